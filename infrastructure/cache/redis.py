"""The synchronous Redis client of the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django_redis import get_redis_connection

if TYPE_CHECKING:
    import redis


def client() -> redis.Redis:
    """The client of the default cache: pooled, with the short timeouts of `config/settings/components/redis.py`.

    Its commands raise `redis.RedisError` when the server is unavailable.
    """
    return cast("redis.Redis", get_redis_connection("default"))
