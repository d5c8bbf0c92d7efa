"""What people in one room say here: stored in groups, acknowledged, then published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError

from apps.chat import services, wire
from apps.chat.exceptions import RoomNotFound
from apps.chat.hub.batches import Batches
from apps.chat.hub.subscriber import Subscriber
from apps.chat.types import Draft, Posted
from apps.common.exceptions import DomainError, Unavailable
from infrastructure.database_threads import DatabaseThreads

GROUP: Final = 256
# Storing the same drafts again is harmless, each is taken once: so a database that restarts is waited for.
RETRIES: Final = (0.1, 0.3, 0.8, 1.5, 2.5)
_log = structlog.get_logger(__name__)

Said = tuple[Subscriber, Draft]


class Posting:
    """The way of one room's messages into the database and out to the room."""

    def __init__(self, room_id: UUID, threads: DatabaseThreads, publish: Callable[[bytes], None]) -> None:
        self._room_id = room_id
        self._threads = threads
        self._publish = publish
        self._batches: Batches[Said, None] = Batches(self._store, limit=GROUP)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being stored."""
        return self._batches.is_idle

    def submit(self, subscriber: Subscriber, draft: Draft) -> asyncio.Future[None]:
        """Store a draft with the next group. Done when its sender was told what became of it."""
        return self._batches.submit((subscriber, draft))

    async def drain(self) -> None:
        """Wait for what is on its way."""
        await self._batches.drain()

    async def _store(self, said: Sequence[Said]) -> Sequence[None]:
        outcomes, payload = await self._outcomes([draft for _, draft in said])
        # Receipts go out before the messages: a sender learns the number of its own before it sees it arrive.
        for (subscriber, draft), outcome in zip(said, outcomes, strict=True):
            if isinstance(outcome, Posted):
                subscriber.tell_soon(wire.ack(outcome))
            else:
                subscriber.tell_soon(wire.error(outcome, str(draft.client_id)))
        if payload:
            self._publish(payload)
        # After the feed's own turn, in which receipts and messages leave together.
        asyncio.get_running_loop().call_soon(_pump, {subscriber for subscriber, _ in said})
        return [None] * len(said)

    async def _outcomes(self, drafts: Sequence[Draft]) -> tuple[Sequence[Posted | DomainError], bytes]:
        for pause in (*RETRIES, None):
            try:
                return await self._threads.run(_store_and_pack, room_id=self._room_id, drafts=drafts)
            except RoomNotFound as failure:
                return [failure] * len(drafts), b""
            except (DatabaseError, InterfaceError) as error:
                _log.warning("chat.store_failed", room=str(self._room_id), error=type(error).__name__)
                if pause is not None:
                    await asyncio.sleep(pause)
        return [Unavailable()] * len(drafts), b""


def _pump(subscribers: Iterable[Subscriber]) -> None:
    for subscriber in subscribers:
        subscriber.pump()


def _store_and_pack(
    *, room_id: UUID, drafts: Sequence[Draft]
) -> tuple[Sequence[Posted | DomainError], bytes]:
    stored = services.store_messages(room_id=room_id, drafts=drafts)
    return stored.outcomes, wire.pack(stored.fresh) if stored.fresh else b""
