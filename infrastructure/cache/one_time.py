"""Values that can be taken once, kept in Redis for some seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from infrastructure import lazy_import
from infrastructure.cache import redis as redis_client

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_import.module("redis")


class StoreUnavailable(Exception):
    """Redis is unavailable."""


def put(key: str, value: bytes, *, seconds: int) -> None:
    """Raises StoreUnavailable."""
    try:
        redis_client.client().set(key, value, ex=seconds)
    except redis.RedisError as error:
        raise StoreUnavailable from error


def take(key: str) -> bytes | None:
    """Return the value to the first caller (GETDEL is atomic), None to all others. Raises StoreUnavailable."""
    try:
        return cast("bytes | None", redis_client.client().getdel(key))
    except redis.RedisError as error:
        raise StoreUnavailable from error
