"""Waits between attempts to connect, and the rate of frames. No I/O."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

FIRST_WAIT: Final = 0.5  # seconds, doubled at each attempt
LONGEST_WAIT: Final = 8.0
SLOW_WAIT: Final = 4.0  # the same when the server asked to slow down
LONGEST_SLOW_WAIT: Final = 30.0
_MOST_DOUBLINGS: Final = 16


def wait_before(attempt: int, *, slow: bool = False, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait before attempt number `attempt` (from 0): random, up to a limit that doubles ("full jitter").

    Randomness spreads the attempts of many clients. `slow` when the server asked to slow down.
    """
    first, longest = (SLOW_WAIT, LONGEST_SLOW_WAIT) if slow else (FIRST_WAIT, LONGEST_WAIT)
    return chance() * min(longest, first * 2.0 ** min(attempt, _MOST_DOUBLINGS))


class Allowance:
    """A token bucket for frames: `per_second` on average, `burst` at once."""

    def __init__(
        self, *, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self.refill()

    def refill(self) -> None:
        """Start full, as the server does for each socket."""
        self._left, self._counted_at = self._burst, self._clock()

    def take(self) -> None:
        """Count one frame."""
        self._left -= 1

    def wait(self) -> float:
        """Seconds until another frame may be sent, 0 when it may be sent now."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._counted_at) * self._per_second)
        self._counted_at = now
        return 0.0 if self._left >= 1 else (1 - self._left) / self._per_second
