"""The zone router: the typed table, mounting, guard, schemas, problem documents, service keys. No business code."""
