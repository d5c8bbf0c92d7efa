"""Tests of the adapters that are single modules."""
