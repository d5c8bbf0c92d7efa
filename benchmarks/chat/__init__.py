"""Benchmarks of the chat beside its peers: `python -m benchmarks.chat --help`."""
