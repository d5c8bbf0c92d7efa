"""Primary keys, and time limits of migrations."""
