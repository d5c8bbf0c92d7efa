"""One migration for each slice that was removed."""
