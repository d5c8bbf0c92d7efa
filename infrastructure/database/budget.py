"""How long the code of one request may wait for the database: one bound for all that it asks, from the request's start.

A server that is away, a lock that another session holds and a server that was stopped in its tracks all end in a
`psycopg.OperationalError`, which callers turn into a 503.
"""

from __future__ import annotations

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
"""Seconds that each wait gets all the same where something else, as a call to a provider, has taken the time."""
SILENT_FLOOR: Final = 0.05
"""The same while the server was not heard of since a wait ran out: whoever waited for a thread meanwhile waits no more."""


class Budget:
    """The time that is left. Once a wait has run out, none of the request's is worth another: it is all spent."""

    __slots__ = ("_is_spent", "_started")

    def __init__(self, started: float) -> None:
        self._started = started
        self._is_spent = False

    def left(self, whole: float) -> float:
        """Seconds that may pass from now on, of `whole` from the request's start."""
        if self._is_spent:
            return 0.0
        return max(self._started + whole - time.monotonic(), SILENT_FLOOR if _is_silent else FLOOR)

    def spend(self) -> None:
        """Leave nothing: a wait has run out."""
        global _is_silent
        self._is_spent = _is_silent = True


def note_answer() -> None:
    """The server was heard of."""
    global _is_silent
    _is_silent = False


_is_silent = False  # of the process
_current: Final[ContextVar[Budget | None]] = ContextVar("database_budget", default=None)


def current() -> Budget | None:
    """The budget that this code runs under."""
    return _current.get()


@contextmanager
def request(started: float | None = None) -> Iterator[Budget]:
    """Bound the waits of a block by the budget of what it answers.

    Args:
        started: The `time.monotonic()` since which it is waited for. Servers give it, who know how long a request waited
            for a thread; without it the block goes on with the budget that there is, or begins one.
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
