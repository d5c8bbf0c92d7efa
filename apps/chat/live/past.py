"""Messages and changes that a live room or a socket missed, read from the database."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apps.chat import selectors
from apps.chat.types import Posted
from infrastructure.realtime.database_threads import DatabaseThreads


class Past:
    """Reads in database threads. Each call raises DatabaseError."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def messages(self, room_id: UUID, *, after: int, limit: int) -> Sequence[Posted]:
        return await self._threads.read(
            selectors.list_posted_after, room_id=room_id, after=after, limit=limit
        )

    async def changed(self, room_id: UUID, *, after: int, limit: int) -> Sequence[Posted]:
        return await self._threads.read(
            selectors.list_changed_after, room_id=room_id, after=after, limit=limit
        )

    async def missed(
        self, room_id: UUID, *, seq: int, after: int | None, up_to: int, limit: int
    ) -> Sequence[Posted]:
        return await self._threads.read(
            selectors.list_missed_changes, room_id=room_id, seq=seq, after=after, up_to=up_to, limit=limit
        )
