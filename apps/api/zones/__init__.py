"""The zone router: the typed table, its validation, and the guard around every route."""
