"""One open stream: a cursor into a user's list, and a few events that are told and not kept."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError

from apps.notifications import selectors
from apps.notifications.types import Head, Page
from infrastructure.realtime.database_threads import DatabaseThreads

HEARTBEAT: Final = 15.0
PAGE: Final = 100
# Events that wait for a client that does not read; then the oldest are dropped.
TOLD: Final = 64
_RETRY: Final = 0.5
_log = structlog.get_logger(__name__)


class Stream:
    """What the hub knows of one client. Everything but the database runs in the loop."""

    def __init__(
        self, threads: DatabaseThreads, *, user_id: UUID, session_id: UUID | None, after: int | None
    ) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.seq = after
        # The newest change sent; None until it is found by `seq`.
        self.change: int | None = None
        self.code: int | None = None
        self._threads = threads
        self._told: deque[Mapping[str, Any]] = deque(maxlen=TOLD)
        self._is_behind = False
        self._owes_unread = False
        self._news = asyncio.Event()

    def is_behind(self, head: Head) -> bool:
        """Whether the database has more than this stream has sent."""
        return self.seq is not None and (head.seq > self.seq or head.change > (self.change or 0))

    def nudge(self) -> None:
        """Look for what is new in the list."""
        self._is_behind = True
        self._news.set()

    def tell(self, frame: Mapping[str, Any]) -> None:
        """Send an event that is not kept."""
        self._told.append(frame)
        self._news.set()

    def end(self, code: int) -> None:
        """End the stream; the first code counts."""
        if self.code is None:
            self.code = code
        self._news.set()

    async def frames(self) -> AsyncIterator[Mapping[str, Any] | None]:
        """The welcome, what was missed, then what comes, until the stream is ended. None: nothing for a while."""
        summary = await self._read(selectors.get_summary)
        if summary is None:
            return
        if self.seq is None:
            self.seq, self.change = summary.seq, summary.change
        self.seq = min(self.seq, summary.seq)
        self._is_behind |= self.is_behind(Head(summary.seq, summary.change))
        yield {"type": "welcome", "seq": summary.seq, "unread": summary.unread}
        while self.code is None:
            if self._told:
                yield self._told.popleft()
            elif self._is_behind:
                async for frame in self._catch_up(self.seq):
                    yield frame
            else:
                self._news.clear()
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await self._news.wait()
                except TimeoutError:
                    yield None

    async def _catch_up(self, seq: int) -> AsyncIterator[Mapping[str, Any]]:
        self._is_behind = False
        page: Page | None = await self._read(selectors.get_page, seq=seq, change=self.change, limit=PAGE)
        if page is None:
            return
        for frame in page.frames:
            yield frame
            self._owes_unread |= frame["type"] != "changed"
        self.seq, self.change = page.seq, page.change
        self._is_behind |= not page.is_last
        # A nudge may have come for what this page held already; the next page is empty then, and the count still due.
        if self._owes_unread and not self._is_behind:
            unread = await self._read(selectors.count_unread)
            self._owes_unread = False
            if unread is not None:
                yield {"type": "unread", "unread": unread}

    async def _read(self, selector: Any, **arguments: Any) -> Any:
        """Ask the database, waiting while it is away. None when the stream ends meanwhile."""
        while self.code is None:
            try:
                return await self._threads.read(selector, user_id=self.user_id, **arguments)
            except (DatabaseError, InterfaceError) as error:
                _log.warning("notifications.database_away", error=type(error).__name__)
                await asyncio.sleep(_RETRY)
        return None
