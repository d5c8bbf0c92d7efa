"""PostgreSQL through psycopg 3: pooled connections, prepared statements, bounded waits."""

from __future__ import annotations

from typing import Any

from psycopg_pool.base import AttemptWithBackoff

from config import env

# A pool that has lost its server asks for it each half second. By itself it waits 1, 2, 4 … seconds, and people with it,
# although PostgreSQL has long been back.
AttemptWithBackoff.INITIAL_DELAY = 0.5
AttemptWithBackoff.DELAY_BACKOFF = 1.0


def connection(*, pooled: bool) -> dict[str, Any]:
    """The DATABASES entry. `pooled=False` keeps one persistent connection for each thread instead."""
    entry: dict[str, Any] = env.database()
    options: dict[str, Any] = {
        **entry.get("OPTIONS", {}),
        "connect_timeout": 5,
        # A statement that runs this long is a fault; better one clear error than a queue of waiting requests.
        "options": "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000",
        "server_side_binding": True,
        "prepare_threshold": 2,
    }
    if pooled:
        options["pool"] = {
            "min_size": 1,
            "max_size": env.number("DATABASE_POOL_SIZE"),
            "timeout": 5,
            "max_lifetime": 1800,
        }
        entry["CONN_MAX_AGE"] = 0
    else:
        entry["CONN_MAX_AGE"] = None
        entry["CONN_HEALTH_CHECKS"] = True
    entry["OPTIONS"] = options
    entry["ATOMIC_REQUESTS"] = False
    return entry


DATABASES = {"default": connection(pooled=env.flag("DATABASE_POOL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
