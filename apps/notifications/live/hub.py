"""The streams of one event loop, the events of other processes, and the upkeep."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from apps.common.sockets import close_codes
from apps.common.sockets.registry import HubRegistry, repeat
from apps.notifications import selectors
from apps.notifications.live.stream import Stream
from apps.notifications.types import Head
from apps.users import selectors as users
from infrastructure.realtime import control
from infrastructure.realtime.database_threads import DatabaseThreads
from infrastructure.telemetry.metrics import SOCKETS

SWEEP_EVERY: Final = 3.0


class Hub:
    """Streams by user and by session. All but database access runs in the loop, so no locks are needed."""

    def __init__(self) -> None:
        self.threads = DatabaseThreads(1, name="notifications-database")
        self.is_closing = False
        self._streams: set[Stream] = set()
        self._per_user: defaultdict[UUID, set[Stream]] = defaultdict(set)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        for upkeep in (
            control.listen(self._heard),
            repeat("notifications-sweep", every=SWEEP_EVERY, work=self.sweep),
        ):
            self._tasks.append(asyncio.create_task(upkeep))

    def end_all(self) -> None:
        """End every stream with 1012, because the server restarts."""
        self.is_closing = True
        for stream in tuple(self._streams):
            stream.end(close_codes.RESTART)

    async def aclose(self) -> None:
        self.end_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.threads.aclose()

    @asynccontextmanager
    async def open(
        self, *, user_id: UUID, session_id: UUID | None, after: int | None
    ) -> AsyncIterator[Stream]:
        """A stream of one user, open as long as the context."""
        stream = Stream(self.threads, user_id=user_id, session_id=session_id, after=after)
        if self.is_closing:
            stream.end(close_codes.RESTART)
        self._streams.add(stream)
        self._per_user[user_id].add(stream)
        SOCKETS.labels("notifications").inc()
        try:
            yield stream
        finally:
            SOCKETS.labels("notifications").dec()
            self._streams.discard(stream)
            self._per_user[user_id].discard(stream)
            if not self._per_user[user_id]:
                del self._per_user[user_id]

    def _heard(self, channel: str, payload: Mapping[str, Any]) -> None:
        kind, _, id_ = channel.partition(":")
        if kind == "session":
            self._end_session(UUID(id_))
        elif kind in ("inbox", "user"):
            for stream in tuple(self._per_user.get(UUID(id_), ())):
                if kind == "inbox" and payload.get("type") == "notified":
                    stream.nudge()
                else:
                    stream.tell(payload)

    def _end_session(self, session_id: UUID) -> None:
        for stream in tuple(self._streams):
            if stream.session_id == session_id:
                stream.end(close_codes.SESSION_ENDED)

    async def sweep(self) -> None:
        """Find ended sessions and missed notifications in the database, with two queries."""
        if not self._streams:
            return
        sessions = {one.session_id for one in self._streams if one.session_id is not None}
        for session_id in await self.threads.read(users.list_dead_sessions, session_ids=sessions):
            self._end_session(session_id)
        heads = await self.threads.read(selectors.list_heads, user_ids=set(self._per_user))
        for stream in tuple(self._streams):
            if stream.is_behind(heads.get(stream.user_id, Head())):
                stream.nudge()


hubs: Final = HubRegistry(Hub)
