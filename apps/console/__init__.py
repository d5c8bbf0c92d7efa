"""The page at `/`: a client of the public API like any other. Holds no rule and no model."""
