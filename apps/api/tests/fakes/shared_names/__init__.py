"""A slice of the tests."""
