"""Stores messages from the sockets of all rooms in groups, then acknowledges and publishes them."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError

from apps.chat import protocol, services
from apps.chat.exceptions import RoomNotFound
from apps.chat.live.subscriber import Subscriber
from apps.chat.selectors import room_events
from apps.chat.types import Draft, Posted
from apps.common.exceptions import DomainError, Unavailable
from infrastructure.database import budget
from infrastructure.realtime.database_threads import DatabaseThreads

GROUP: Final = 256
# Storing the same drafts again is safe, since each is stored once. So the writer waits for a database that restarts, as long
# as a request would.
RETRIES: Final = (0.1, 0.2, 0.3, *(0.5,) * 10)
_log = structlog.get_logger(__name__)


class Submitted(NamedTuple):
    """A submitted draft. `at` is the `time.monotonic()` of its arrival; `done` is set once its sender is answered."""

    subscriber: Subscriber
    draft: Draft
    done: asyncio.Future[None]
    at: float


Group = dict[UUID, list[Submitted]]
Drafts = Mapping[UUID, Sequence[Draft]]
Outcome = tuple[Sequence[Posted | DomainError], bytes]
"""The outcomes of the drafts of one room, in order, and the payload to publish to the room."""


class Writer:
    """Stores messages and publishes them to their rooms.

    One group is stored at a time; messages submitted meanwhile, in any room, form the next one. So fifty users in fifty rooms
    cost one transaction, as fifty users in one room do. When a group fails for a reason of its own, such as a lock on one
    of its rooms, its rooms are stored separately and delay no other room.
    """

    def __init__(self, threads: DatabaseThreads, publish: Callable[[UUID, bytes], None]) -> None:
        # A thread and a connection of its own, so that storing does not wait for readers.
        self._own = DatabaseThreads(1, name="posting")
        self._threads = threads
        self._publish = publish
        self._waiting: dict[UUID, list[Submitted]] = {}
        self._busy: set[UUID] = set()
        self._group: asyncio.Task[None] | None = None
        self._apart: set[asyncio.Task[None]] = set()
        self._one_apart = asyncio.Lock()

    def is_idle(self, room_id: UUID) -> bool:
        """Whether no message of a room is waiting or being stored."""
        return room_id not in self._busy and room_id not in self._waiting

    def submit(self, subscriber: Subscriber, room_id: UUID, draft: Draft) -> asyncio.Future[None]:
        """Store a draft with the next group. The future is done once its sender is answered."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(room_id, []).append(Submitted(subscriber, draft, done, time.monotonic()))
        self._go_on()
        return done

    async def drain(self) -> None:
        """Wait for everything that was submitted."""
        while tasks := {*self._apart, *([self._group] if self._group else [])}:
            await asyncio.wait(tasks)

    async def aclose(self) -> None:
        await self.drain()
        await self._own.aclose()

    def _go_on(self) -> None:
        if self._group is None and (group := self._next_group()):
            self._group = asyncio.create_task(self._store_together(group))

    def _next_group(self) -> Group:
        group: Group = {}
        left = GROUP
        for room_id in [room_id for room_id in self._waiting if room_id not in self._busy]:
            some = self._waiting.pop(room_id)
            group[room_id], later = some[:left], some[left:]
            left -= len(group[room_id])
            if later:
                self._waiting[room_id] = later
            if not left:
                break
        self._busy |= group.keys()
        return group

    async def _store_together(self, group: Group) -> None:
        outcomes = _unavailable(group)
        is_whole = True
        try:
            outcomes = await self._store(group)
        except (DatabaseError, InterfaceError) as error:
            is_whole = _is_about_the_server(error)
        except Exception:  # noqa: BLE001  (a bug: logged; the rooms are tried one by one)
            _log.exception("chat.store_broke", rooms=len(group))
            is_whole = False
        finally:
            self._group = None
            if is_whole:
                self._finish(group, outcomes)
            else:
                self._store_apart(group)
            self._go_on()

    def _store_apart(self, group: Group) -> None:
        for room_id, some in group.items():
            task = asyncio.create_task(self._store_alone({room_id: some}))
            self._apart.add(task)
            task.add_done_callback(self._apart.discard)

    async def _store_alone(self, group: Group) -> None:
        outcomes = _unavailable(group)
        try:
            with contextlib.suppress(DatabaseError, InterfaceError):  # logged by `_store`
                async with self._one_apart:  # one at a time: others need the few threads, too
                    outcomes = await self._store(group, is_alone=True)
        except Exception:  # noqa: BLE001  (a bug: logged; the senders get an error)
            _log.exception("chat.store_broke", room=str(next(iter(group))))
        finally:
            self._finish(group, outcomes)
            self._go_on()

    async def _store(self, group: Group, *, is_alone: bool = False) -> Mapping[UUID, Outcome]:
        """Store a group, retrying while the server is unavailable. Raises DatabaseError, InterfaceError."""
        drafts = {room_id: [one.draft for one in some] for room_id, some in group.items()}
        started = min(some[0].at for some in group.values())
        threads = self._threads if is_alone else self._own
        pauses = iter(RETRIES)
        while True:
            try:
                return await threads.run(_store_and_pack, drafts=drafts, started=started)
            except (DatabaseError, InterfaceError) as error:
                _log.warning("chat.store_failed", rooms=len(drafts), error=type(error).__name__)
                pause = next(pauses, math.inf)
                is_late = time.monotonic() + pause > started + budget.ANSWER
                if is_late or not (is_alone or _is_about_the_server(error)):
                    raise
                await asyncio.sleep(pause)

    def _finish(self, group: Group, outcomes: Mapping[UUID, Outcome]) -> None:
        """Answer every sender, publish to the rooms, and release the rooms, also after an error."""
        self._busy -= group.keys()
        for room_id, some in group.items():
            try:
                self._answer(room_id, some, *outcomes[room_id])
            except Exception:  # noqa: BLE001  (a bug: logged; the senders get an error)
                _log.exception("chat.answer_broke", room=str(room_id))
                for one in some:
                    if not one.done.done():
                        one.subscriber.tell_soon(protocol.error(Unavailable(), _name(one.draft)))
                        one.done.set_result(None)
        # After the feeds' turn of the loop, in which acknowledgements and messages leave together.
        senders = {one.subscriber for some in group.values() for one in some}
        asyncio.get_running_loop().call_soon(_pump, senders)

    def _answer(
        self,
        room_id: UUID,
        submitted: Sequence[Submitted],
        outcomes: Sequence[Posted | DomainError],
        payload: bytes,
    ) -> None:
        # Acknowledgements before messages: a sender learns the number of its message before the message arrives.
        for one, outcome in zip(submitted, outcomes, strict=True):
            if isinstance(outcome, Posted):
                one.subscriber.tell_soon(protocol.ack(outcome, one.draft.sent_as))
            else:
                one.subscriber.tell_soon(protocol.error(outcome, _name(one.draft)))
            if not one.done.cancelled():
                one.done.set_result(None)
        if payload:
            self._publish(room_id, payload)


def _unavailable(group: Group) -> Mapping[UUID, Outcome]:
    return {room_id: ([Unavailable()] * len(some), b"") for room_id, some in group.items()}


def _name(draft: Draft) -> UUID | str:
    return draft.sent_as or draft.client_id


def _is_about_the_server(error: Exception) -> bool:
    """Whether the connection or the whole server failed (SQLSTATE classes 08, 53, 57P, or none)."""
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(("08", "53", "57P"))


def _pump(subscribers: Iterable[Subscriber]) -> None:
    for subscriber in subscribers:
        subscriber.pump()


def _store_and_pack(*, drafts: Drafts) -> dict[UUID, Outcome]:
    outcomes: dict[UUID, Outcome] = {}
    for room_id, stored in services.store_in_rooms(drafts=drafts).items():
        if stored is None:
            outcomes[room_id] = [RoomNotFound()] * len(drafts[room_id]), b""
        else:
            outcomes[room_id] = stored.outcomes, room_events.packed(stored.fresh) if stored.fresh else b""
    return outcomes
