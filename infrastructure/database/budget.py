"""Bounds the time that one request may wait for the database, over all of its queries, from the request's start.

A server that is down or frozen, and a lock that another session holds, end in a `psycopg.OperationalError`, which callers
turn into a 503.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

ANSWER: Final = 4.0
"""Seconds from the request's start until an answer of the server is given up."""
CONNECTION: Final = 2.5
"""The same for a connection."""
FLOOR: Final = 0.3
"""Seconds that each wait gets all the same where something else, as a call to a provider, has taken the time. A request gets
nothing when another's wait was lost since it arrived: it waited for a thread meanwhile, and many like it wait behind it."""


class Budget:
    """The time left. After one wait has timed out, nothing is left for the others."""

    __slots__ = ("_is_spent", "_started")

    def __init__(self, started: float) -> None:
        self._started = started
        self._is_spent = False

    def left(self, whole: float) -> float:
        """Seconds left now, of `whole` from the request's start."""
        if self._is_spent:
            return 0.0
        floor = FLOOR if self._started > _last_loss else 0.0
        return max(self._started + whole - time.monotonic(), floor)

    def spend(self) -> None:
        """Leave nothing, after a wait has timed out."""
        self._is_spent = True
        note_loss()


def note_loss() -> None:
    """Record that a wait was lost: it timed out here, or the server gave up a lock."""
    global _last_loss
    _last_loss = time.monotonic()


_last_loss = -math.inf  # `time.monotonic()` of the last lost wait of the process
_current: Final[ContextVar[Budget | None]] = ContextVar("database_budget", default=None)


def current() -> Budget | None:
    return _current.get()


@contextmanager
def request(started: float | None = None) -> Iterator[Budget]:
    """Bound the waits of a block by the budget of its request.

    Args:
        started: The `time.monotonic()` at which the request arrived. Servers pass it, since they know how long a request
            waited for a thread; without it the block keeps the current budget, or starts one.
    """
    current = _current.get()
    if started is None and current is not None:
        yield current
        return
    budget = Budget(time.monotonic() if started is None else started)
    token = _current.set(budget)
    try:
        yield budget
    finally:
        _current.reset(token)
