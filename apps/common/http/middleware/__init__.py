"""The middleware of every HTTP request."""
