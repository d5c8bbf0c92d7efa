"""What a live room reads when it missed something, or a socket did: messages and changes behind a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from apps.chat import selectors
from apps.chat.types import Posted
from infrastructure.realtime.database_threads import DatabaseThreads


class Past(Protocol):
    """What a feed reads. Each call raises DatabaseError."""

    async def messages(self, room_id: UUID, *, after: int, limit: int) -> Sequence[Posted]:
        """Stored messages that follow a number."""

    async def changed(self, room_id: UUID, *, after: int, limit: int) -> Sequence[Posted]:
        """Messages that changed after a change, in the order of their changes."""

    async def missed(
        self, room_id: UUID, *, seq: int, after: int | None, up_to: int, limit: int
    ) -> Sequence[Posted]:
        """Those of them that a socket missed which has the messages up to `seq`."""


class StoredPast:
    """The past as the database has it."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def messages(self, room_id: UUID, **asked: int) -> Sequence[Posted]:
        """As `Past` has it."""
        return await self._threads.read(selectors.list_posted_after, room_id=room_id, **asked)

    async def changed(self, room_id: UUID, **asked: int) -> Sequence[Posted]:
        """As `Past` has it."""
        return await self._threads.read(selectors.list_changed_after, room_id=room_id, **asked)

    async def missed(self, room_id: UUID, **asked: int | None) -> Sequence[Posted]:
        """As `Past` has it."""
        return await self._threads.read(selectors.list_missed_changes, room_id=room_id, **asked)
