"""The chat's claims, measured beside its peers in one run: `python -m benchmarks.chat --help`."""
