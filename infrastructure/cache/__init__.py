"""Redis or Valkey as the processes share it: the client, and rate limits that all of them count together."""
