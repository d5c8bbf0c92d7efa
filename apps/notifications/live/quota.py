"""Limits the streams of a user and of an address in this process. Thread-safe: slots are taken in threads and in the loop."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from django.conf import settings

from apps.notifications.exceptions import TooManyStreams

_lock: Final = threading.Lock()
_taken: Final[Counter[str]] = Counter()


class Slot:
    """The slot of one stream. `release` is idempotent."""

    def __init__(self, keys: tuple[str, str]) -> None:
        self._keys = keys
        self._is_taken = True

    def release(self) -> None:
        with _lock:
            if self._is_taken:
                self._is_taken = False
                _taken.subtract(self._keys)
                for key in self._keys:
                    if not _taken[key]:
                        del _taken[key]


def take(*, user: str, address: str) -> Slot:
    """Take a slot. Raises TooManyStreams."""
    keys = (f"user:{user}", f"address:{address}")
    with _lock:
        if (
            _taken[keys[0]] >= settings.NOTIFICATIONS_STREAMS_PER_USER
            or _taken[keys[1]] >= settings.NOTIFICATIONS_STREAMS_PER_ADDRESS
        ):
            raise TooManyStreams(retry_after=5)
        _taken.update(keys)
    return Slot(keys)


def count() -> int:
    """Returns the number of open streams."""
    with _lock:
        return sum(number for key, number in _taken.items() if key.startswith("user:"))
