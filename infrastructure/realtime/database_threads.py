"""The database from an event loop: a few threads, each with one connection that stays open.."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connections

Result = TypeVar("Result")


class DatabaseThreads:
    """Runs functions that use Django's ORM. A connection that failed is closed, so that the next call opens a new one."""

    def __init__(self, count: int, *, name: str = "database") -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, function: Callable[..., Result], /, **arguments: Any) -> Result:
        """`function(**arguments)` in one of the threads. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: _guarded(function, arguments)
        )

    async def read(self, function: Callable[..., Result], /, **arguments: Any) -> Result:
        """`run` for what may be asked twice: a connection that broke while it was idle costs nobody an answer."""
        try:
            return await self.run(function, **arguments)
        except (OperationalError, InterfaceError):
            return await self.run(function, **arguments)

    async def aclose(self) -> None:
        """Wait for what runs, close every connection, end the threads."""
        # Each thread has to close its own; the barrier keeps one thread from taking two of the calls.
        barrier = threading.Barrier(self._count)
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._pool, _close, barrier) for _ in range(self._count)))
        await asyncio.to_thread(self._pool.shutdown)


def _guarded(function: Callable[..., Result], arguments: dict[str, Any]) -> Result:
    try:
        return function(**arguments)
    except (DatabaseError, InterfaceError):
        connections.close_all()
        raise


def _close(barrier: threading.Barrier) -> None:
    barrier.wait(timeout=30)
    connections.close_all()
