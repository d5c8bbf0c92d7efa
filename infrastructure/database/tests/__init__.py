"""Tests of the database's bounds, against a PostgreSQL of their own that is frozen, stopped and restarted."""
