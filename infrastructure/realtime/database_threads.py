"""The database from an event loop: a few threads, each with one connection that stays open."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connections

from infrastructure.database import budget
from infrastructure.database.base import drop_dead

Result = TypeVar("Result")


class DatabaseThreads:
    """Runs functions that use Django's ORM, each for as long as a request may wait for the database.

    A connection that failed, or died while it was idle, is closed, so that the next call opens a new one.
    """

    def __init__(self, count: int, *, name: str = "database") -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(
        self, function: Callable[..., Result], /, *, started: float | None = None, **arguments: Any
    ) -> Result:
        """`function(**arguments)` in one of the threads. Raises what it raises.

        Args:
            started: `time.monotonic()` of the start of the request; default: now.
        """
        started = time.monotonic() if started is None else started
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: _guarded(function, arguments, started)
        )

    async def read(self, function: Callable[..., Result], /, **arguments: Any) -> Result:
        """`run` for a function that may run twice: it is called again after a broken connection."""
        started = time.monotonic()
        try:
            return await self.run(function, started=started, **arguments)
        except (OperationalError, InterfaceError):
            if time.monotonic() - started > budget.CONNECTION - budget.FLOOR:
                raise
            return await self.run(function, started=started, **arguments)

    async def aclose(self) -> None:
        """Wait for running calls, close every connection, end the threads."""
        # Each thread has to close its own; the barrier keeps one thread from taking two of the calls.
        barrier = threading.Barrier(self._count)
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._pool, _close, barrier) for _ in range(self._count)))
        await asyncio.to_thread(self._pool.shutdown)


def _guarded(function: Callable[..., Result], arguments: dict[str, Any], started: float) -> Result:
    try:
        with budget.request(started):
            drop_dead()
            return function(**arguments)
    except (DatabaseError, InterfaceError):
        connections.close_all()
        raise


def _close(barrier: threading.Barrier) -> None:
    barrier.wait(timeout=30)
    connections.close_all()
