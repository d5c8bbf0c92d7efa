"""PostgreSQL as Django's backend has it, with waits that end: ENGINE is "infrastructure.database" (see `base`).

What a request may wait for is `budget`'s; migrations, tasks and commands have no budget, only the server's own limits.
"""
