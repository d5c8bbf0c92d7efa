"""PostgreSQL through psycopg 3: pooled connections, prepared statements, bounded waits."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from infrastructure import environment
from infrastructure.environment import urls

VARIABLES = environment.Variables("PostgreSQL")

_PASSWORD = VARIABLES.text(
    "DATABASE_URL_PASSWORD", "", "Password of `DATABASE_URL` as it is, without encoding", secret=True
)
_SERVER = VARIABLES.read(
    "DATABASE_URL",
    None,
    "PostgreSQL, `postgres://user:password@host:5432/name`; libpq's parameters may follow, as in `?sslmode=verify-full`",
    kind="URL",
    parse=lambda value: urls.database(value, password=_PASSWORD),
    empty={"ENGINE": "django.db.backends.postgresql"},
    secret=True,
)
VARIABLES.weak_password("DATABASE_URL", _SERVER.get("PASSWORD", ""), own=_PASSWORD)
_IS_POOLED = VARIABLES.flag(
    "DATABASE_POOL", True, "Pool connections (psycopg pool); false: one persistent connection per thread"
)
_POOL_SIZE = VARIABLES.number(
    "DATABASE_POOL_SIZE",
    12,
    "Connections one process may open: its threads, the relay and the probes",
    least=1,
    most=1_000,
)
# The server's own limits. A statement that runs for 15 s is a fault; requests give it up sooner (infrastructure.database),
# and a statement whose client has left ends.
_LIMITS = (
    "-c statement_timeout=15000 -c lock_timeout=3500 -c idle_in_transaction_session_timeout=30000"
    " -c client_connection_check_interval=500"
)


def connection(*, pooled: bool) -> dict[str, Any]:
    """The DATABASES entry. `pooled=False` keeps one persistent connection for each thread instead.

    Parameters in DATABASE_URL have precedence; of repeated `options` the server takes the last.
    """
    entry: dict[str, Any] = deepcopy(_SERVER)
    given = entry.get("OPTIONS", {})
    options: dict[str, Any] = {
        # Seconds for each address of the host. The rest detects a host that vanished: unacknowledged packets,
        # silent connections.
        "connect_timeout": 2,
        "tcp_user_timeout": 5000,
        "keepalives_idle": 10,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "server_side_binding": True,
        "prepare_threshold": 2,
        **given,
        "options": " ".join(filter(None, [_LIMITS, given.get("options")])),
    }
    if pooled:
        options["pool"] = {
            "min_size": 1,
            "max_size": _POOL_SIZE,
            # For code without a request: the relay, tasks and commands.
            "timeout": 5,
            "max_lifetime": 1800,
        }
        entry["CONN_MAX_AGE"] = 0
    else:
        entry["CONN_MAX_AGE"] = None
        entry["CONN_HEALTH_CHECKS"] = True
    entry["ENGINE"] = "infrastructure.database"
    entry["OPTIONS"] = options
    entry["ATOMIC_REQUESTS"] = False
    return entry


DATABASES = {"default": connection(pooled=_IS_POOLED)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
