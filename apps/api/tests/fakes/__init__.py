"""Slices that exist for the router's own tests: no models, no app, only routes."""
