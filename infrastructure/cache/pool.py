"""The connection pool of the default cache, named in the settings and loaded with the first connection."""

from __future__ import annotations

from typing import Any

from redis import ConnectionError as RedisConnectionError
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry


class Pool(ConnectionPool):
    """Retries once, immediately, when the server has closed a pooled connection.

    redis-py would by default wait seconds between three attempts, and the request with it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)), **options)
