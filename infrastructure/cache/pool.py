"""The pool of connections of the default cache. It is named in the settings, and loaded with the first connection."""

from __future__ import annotations

from typing import Any

from redis import ConnectionError as RedisConnectionError
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry


class Pool(ConnectionPool):
    """Asks once more at once, for a pooled connection that the server has closed.

    redis-py's own default waits seconds between three attempts, and a request would wait with it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)), **options)
