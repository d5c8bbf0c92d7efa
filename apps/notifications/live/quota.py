"""Limits the streams of a user and of an address in this process. Thread-safe: slots are taken in threads and in the loop."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

from django.conf import settings

from apps.notifications.exceptions import TooManyStreams

_lock: Final = threading.Lock()
_taken: Final[Counter[str]] = Counter()


def take(*, user: str, address: str) -> Callable[[], None]:
    """Take a slot. Returns an idempotent function that releases it. Raises TooManyStreams."""
    keys = {f"user:{user}", f"address:{address}"}

    def release() -> None:
        with _lock:
            _taken.subtract(keys)
            for key in [key for key in keys if not _taken[key]]:
                del _taken[key]
            keys.clear()

    with _lock:
        if (
            _taken[f"user:{user}"] >= settings.NOTIFICATIONS_STREAMS_PER_USER
            or _taken[f"address:{address}"] >= settings.NOTIFICATIONS_STREAMS_PER_ADDRESS
        ):
            raise TooManyStreams(retry_after=5)
        _taken.update(keys)
    return release


def count() -> int:
    with _lock:
        return sum(number for key, number in _taken.items() if key.startswith("user:"))
