"""Tests of apps.common, and helpers for the tests of slices."""
