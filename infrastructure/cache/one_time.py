"""Values that are taken once: kept in Redis for some seconds, and gone with the first who takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from infrastructure import lazy_import
from infrastructure.cache import redis as redis_client

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_import.module("redis")


class StoreUnavailable(Exception):
    """Redis is away."""


def put(key: str, value: bytes, *, seconds: int) -> None:
    """Keep a value. Raises StoreUnavailable."""
    try:
        redis_client.client().set(key, value, ex=seconds)
    except redis.RedisError as error:
        raise StoreUnavailable from error


def take(key: str) -> bytes | None:
    """The value, for the first who asks (GETDEL is atomic); None for all others. Raises StoreUnavailable."""
    try:
        return cast("bytes | None", redis_client.client().getdel(key))
    except redis.RedisError as error:
        raise StoreUnavailable from error
