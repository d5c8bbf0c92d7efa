"""Django's PostgreSQL backend with bounded waits: ENGINE is "infrastructure.database" (see `base`).

`budget` bounds the waits of a request. Migrations, tasks and commands have no budget, only the server's own limits.
"""
