"""The console at `/`: a frame with the status and the API zones, for pages of installed slices. A client of the API."""
