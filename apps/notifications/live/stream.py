"""One open stream: a cursor into a user's notifications, and a queue of events that are not stored."""

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
# The most events that are queued for a slow client; the oldest are dropped.
MAX_QUEUED: Final = 64
_RETRY: Final = 0.5
_log = structlog.get_logger(__name__)


class Stream:
    """The state of one client. All but database access runs in the loop."""

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
        self._queue: deque[Mapping[str, Any]] = deque(maxlen=MAX_QUEUED)
        self._is_behind = False
        self._owes_unread = False
        self._wake = asyncio.Event()

    def is_behind(self, head: Head) -> bool:
        """Whether the database has more than this stream has sent."""
        return self.seq is not None and (head.seq > self.seq or head.change > (self.change or 0))

    def nudge(self) -> None:
        """Look for new notifications and changes."""
        self._is_behind = True
        self._wake.set()

    def tell(self, frame: Mapping[str, Any]) -> None:
        """Send an event that is not stored."""
        self._queue.append(frame)
        self._wake.set()

    def end(self, code: int) -> None:
        """End the stream. The first code wins."""
        if self.code is None:
            self.code = code
        self._wake.set()

    async def frames(self) -> AsyncIterator[Mapping[str, Any] | None]:
        """Yields the welcome, what was missed, then live frames, until the stream ends; None after HEARTBEAT seconds of silence."""
        summary = await self._read(selectors.get_summary)
        if summary is None:
            return
        if self.seq is None:
            self.seq, self.change = summary.seq, summary.change
        self.seq = min(self.seq, summary.seq)
        self._is_behind |= self.is_behind(Head(summary.seq, summary.change))
        yield {"type": "welcome", "seq": summary.seq, "unread": summary.unread}
        while self.code is None:
            if self._queue:
                yield self._queue.popleft()
            elif self._is_behind:
                async for frame in self._catch_up(self.seq):
                    yield frame
            else:
                self._wake.clear()
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await self._wake.wait()
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
        # If a nudge came for notifications of this page, the next page is empty, and the count still due.
        if self._owes_unread and not self._is_behind:
            unread = await self._read(selectors.count_unread)
            self._owes_unread = False
            if unread is not None:
                yield {"type": "unread", "unread": unread}

    async def _read(self, selector: Any, **arguments: Any) -> Any:
        """Query the database, retrying while it is unavailable. Returns None when the stream ends meanwhile."""
        while self.code is None:
            try:
                return await self._threads.read(selector, user_id=self.user_id, **arguments)
            except (DatabaseError, InterfaceError) as error:
                _log.warning("notifications.database_away", error=type(error).__name__)
                await asyncio.sleep(_RETRY)
        return None
