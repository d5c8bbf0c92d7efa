"""The embedded servers and their supervisor, tried with real processes."""
