"""The shared Redis or Valkey: its client, and rate limits counted across processes."""
