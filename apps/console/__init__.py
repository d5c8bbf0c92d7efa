"""The console at `/`: a frame with the status and the API zones, for pages that installed slices bring. A client of the API."""
