"""Tests of the part beside them."""
