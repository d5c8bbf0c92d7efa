"""Tests of what removed slices leave."""
