"""Batching: items that arrive while one group is processed form the next group. Independent of chat."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """Calls `work(items)` for one group after another. `work` returns a result for each item, in order.

    An exception of `work` is the result of every item of its group.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, limit: int) -> None:
        self._work = work
        self._limit = limit
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._runner: asyncio.Task[None] | None = None

    def submit(self, item: Item) -> asyncio.Future[Result]:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return future

    async def drain(self) -> None:
        """Wait until all items submitted so far are processed."""
        while self._runner is not None:
            await asyncio.wait({self._runner})

    async def _run(self) -> None:
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._limit))]
                try:
                    results = await self._work([item for item, _ in group])
                    for (_, future), result in zip(group, results, strict=True):
                        if not future.cancelled():
                            future.set_result(result)
                except Exception as error:  # noqa: BLE001  (raised to every caller of `submit`)
                    for _, future in group:
                        if not future.done():
                            future.set_exception(error)
        finally:
            self._runner = None
