"""A token bucket, which limits the frames of a socket."""

from __future__ import annotations

import time


class TokenBucket:
    """Starts full with `burst` tokens, and gains `rate` tokens a second."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = time.monotonic()

    def take(self) -> bool:
        """Take a token. Returns whether there was one."""
        now = time.monotonic()
        self._left = min(self._left + (now - self._at) * self._rate, self._burst)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
