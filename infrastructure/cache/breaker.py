"""A circuit breaker: after a failure, calls are skipped for a moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Opens after a failure; then one caller tries again every `pause` seconds until one succeeds."""

    def __init__(self, *, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._retry_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the last attempt failed."""
        return self._retry_at is not None

    def may_try(self) -> bool:
        """Whether this caller may try. While open, True for one caller each pause."""
        if not self.is_open:
            return True
        with self._lock:
            now = self._clock()
            if self._retry_at is None:  # closed while this caller waited for the lock
                return True
            if now < self._retry_at:
                return False
            self._retry_at = now + self._pause
            return True

    def succeeded(self) -> bool:
        """Close it. True when it was open."""
        if self._retry_at is None:
            return False
        with self._lock:
            was_open, self._retry_at = self._retry_at is not None, None
        return was_open

    def failed(self) -> bool:
        """Open it. True when it was closed."""
        with self._lock:
            was_closed, self._retry_at = self._retry_at is None, self._clock() + self._pause
        return was_closed
