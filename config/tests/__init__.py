"""Tests of the composition: settings, entry points, the README, and whole journeys through real processes."""
