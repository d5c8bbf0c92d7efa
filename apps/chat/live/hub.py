"""The live rooms of one event loop: sockets entering and leaving, their frames, events of other processes, upkeep."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from apps.chat import selectors, services
from apps.chat.live import admission
from apps.chat.live.batches import Batches
from apps.chat.live.feed import Feed
from apps.chat.live.past import Past
from apps.chat.live.presence import Change
from apps.chat.live.presence_sync import PresenceSync
from apps.chat.live.subscriber import Subscriber
from apps.chat.live.writer import Writer
from apps.chat.selectors import room_events
from apps.chat.types import Draft, Head
from apps.common.sockets import close_codes
from apps.common.sockets.registry import HubRegistry, repeat
from apps.users import services as users
from infrastructure import realtime
from infrastructure.realtime import bus, control, packets
from infrastructure.realtime.database_threads import DatabaseThreads
from infrastructure.telemetry.metrics import SOCKETS

SWEEP_EVERY: Final = 3.0
READS_EVERY: Final = 0.5
LAG_LIMIT: Final = 30.0
ROOM_LINGERS: Final = 30.0
ADMISSIONS: Final = 64
_OPEN_WITHIN: Final = 1.0
_log = structlog.get_logger(__name__)


class Hub:
    """The hub of one event loop. All but database access runs in that loop, so no locks are needed."""

    def __init__(self, *, make_bus: Callable[..., Any] = bus.make) -> None:
        self.process = os.urandom(6).hex()
        self.feeds: dict[UUID, Feed] = {}
        self.sockets: set[Subscriber] = set()
        self.per_address: Counter[str] = Counter()
        # A separate thread stores messages.
        self.threads = DatabaseThreads(max(settings.CHAT_DATABASE_THREADS - 1, 1))
        self.is_closing = False
        # Tuples, since most users have one socket and a set of one is five times the size.
        self._per_user: dict[UUID, tuple[Subscriber, ...]] = {}
        self._per_session: dict[UUID, tuple[Subscriber, ...]] = {}
        self._admissions = Batches(self._admit, limit=ADMISSIONS)
        self._count = SOCKETS.labels("chat")
        self._reads: dict[tuple[UUID, UUID], int] = {}
        self._bus = make_bus(on_subscribed=self._subscribed)
        self._writer = Writer(self.threads, self._publish)
        self._presence = PresenceSync(self._bus, self.process, self.feeds)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._bus.start()
        for upkeep in (
            control.listen(self._control),
            repeat("chat-sweep", every=SWEEP_EVERY, work=self.sweep),
            repeat("chat-reads", every=READS_EVERY, work=self.flush_reads),
            repeat("chat-presence", every=self._presence.EVERY, work=self._presence.beat),
        ):
            self._tasks.append(asyncio.create_task(upkeep))

    async def aclose(self) -> None:
        """Close all sockets with 1012, finish pending writes, and close the connections to Redis and the database."""
        self.is_closing = True
        await asyncio.gather(*(subscriber.close(close_codes.RESTART) for subscriber in tuple(self.sockets)))
        await self._writer.drain()
        for feed in self.feeds.values():
            await feed.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.flush_reads()
        self._presence.flush()
        await self._bus.aclose()
        await self._writer.aclose()
        await self.threads.aclose()

    # Entering and leaving

    async def admit(self, token: str, ticket: str, slug: str) -> admission.Participant | int:
        """Judge a handshake in a batch with others. Returns a participant, or the code to close with.

        Raises DatabaseError, Unavailable.
        """
        if token or not ticket:
            return await self._admissions.submit((token, slug))
        reference = await self.threads.run(users.redeem_ticket, ticket=ticket)
        return await self._admissions.submit((reference, slug))

    async def _admit(self, requests: Sequence[admission.Request]) -> Sequence[admission.Participant | int]:
        return await self.threads.read(admission.admit, requests=requests)

    async def feed(self, room_id: UUID, slug: str) -> Feed:
        """Returns the live room, subscribed and with its newest number known."""
        feed = self.feeds.get(room_id)
        if feed is None:
            feed = self.feeds[room_id] = Feed(room_id, slug, past=Past(self.threads))
            await self._bus.subscribe(realtime.room_channel(room_id), lambda body: self._heard(feed, body))
            self._spawn(self._presence.exchange([feed]))
        feed.idle_since = asyncio.get_running_loop().time()
        if not feed.is_open.is_set() and self._bus.is_connected:
            try:
                async with asyncio.timeout(_OPEN_WITHIN):
                    await feed.is_open.wait()
            except TimeoutError:
                _log.warning("chat.subscription_slow", room=str(room_id))
        if not feed.is_open.is_set():
            # Without Redis: messages posted here are delivered here, and the sweep finds the others.
            await self._open(feed)
        return feed

    def enter(
        self, subscriber: Subscriber, feed: Feed, *, after: int | None, changes: int | None = None
    ) -> None:
        """Welcome a socket and subscribe it to the room."""
        self.sockets.add(subscriber)
        for index, key in self._indexes(subscriber):
            index[key] = (*index.get(key, ()), subscriber)
        self._count.inc()
        if feed.presence.enter(subscriber.user_id, subscriber.name):
            self._presence.tell(feed, Change(subscriber.user_id, subscriber.name, True))
        subscriber.tell(feed.welcome(subscriber))
        feed.enter(subscriber, after=after, changes=changes)

    def leave(self, subscriber: Subscriber, feed: Feed) -> None:
        self.sockets.discard(subscriber)
        for index, key in self._indexes(subscriber):
            others = tuple(one for one in index.pop(key) if one is not subscriber)
            if others:
                index[key] = others
        self._count.dec()
        feed.leave(subscriber)
        if feed.presence.leave(subscriber.user_id):
            self._presence.tell(feed, Change(subscriber.user_id, subscriber.name, False))

    def count_of(self, user_id: UUID) -> int:
        """Returns the number of sockets of a user in this process."""
        return len(self._per_user.get(user_id, ()))

    def _indexes(self, subscriber: Subscriber) -> tuple[tuple[dict[UUID, tuple[Subscriber, ...]], UUID], ...]:
        return (self._per_user, subscriber.user_id), (self._per_session, subscriber.session_id)

    # Frames from sockets

    def post(self, subscriber: Subscriber, feed: Feed, draft: Draft) -> asyncio.Future[None]:
        """Store a message with the next group, and acknowledge or refuse it to the socket."""
        return self._writer.submit(subscriber, feed.room_id, draft)

    def typing(self, subscriber: Subscriber, feed: Feed) -> None:
        event = {"type": "typing", "user": str(subscriber.user_id), "name": subscriber.name}
        self._publish(feed.room_id, realtime.encode(event))

    def read(self, subscriber: Subscriber, feed: Feed, seq: int) -> None:
        """Record that a user has read up to a number. Stored and sent with the next group of marks."""
        key = (feed.room_id, subscriber.user_id)
        self._reads[key] = max(min(seq, feed.head), self._reads.get(key, 0))

    def _publish(self, room_id: UUID, payload: bytes) -> None:
        self._bus.publish(realtime.room_channel(room_id), payload)

    # Events from other processes

    def _subscribed(self, channel: str) -> None:
        feed = self.feeds.get(UUID(channel.partition(":")[2]))
        if feed is None:
            return
        if feed.is_open.is_set():  # after a reconnection
            feed.distrust_past()
            feed.catch_up()
        else:
            self._spawn(self._open(feed))

    async def _open(self, feed: Feed) -> None:
        heads = await self.threads.read(selectors.list_heads, room_ids=[feed.room_id])
        feed.begin(heads.get(feed.room_id, Head()))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background. Failures are retried by waiting sockets or by the next beat."""
        self._tasks.append(asyncio.create_task(_logged(work)))

    def _heard(self, feed: Feed, body: bytes) -> None:
        if packets.first_seq(body) is not None:
            feed.take(body)
            return
        event = orjson.loads(body)
        match event.get("type"):
            case "presence":
                self._presence.heard(feed, event)
            case "membership.ended":
                self._end_membership(feed.room_id, UUID(event["user"]))
            case "room.deleted":
                self._end_room(feed.room_id)
            case "typing":
                feed.announce(body, skip=UUID(event["user"]))
            case "read":
                if feed.moves_read_mark(UUID(event["user"]), event["seq"]):
                    feed.announce(body)
            case "edited" | "deleted" if "change" in event:
                feed.take_change(body, seq=event["seq"], change=event["change"])
            case "edited" | "deleted":  # from the release before this one
                feed.distrust_past()
                feed.announce(body)
            case _:
                feed.announce(body)

    def _control(self, channel: str, payload: Mapping[str, Any]) -> None:
        kind, _, id_ = channel.partition(":")
        if kind == "session":
            self._end_session(UUID(id_))
        elif kind == "user":
            frame = realtime.encode(payload)
            for subscriber in self._per_user.get(UUID(id_), ()):
                subscriber.tell(frame)

    def _end_session(self, session_id: UUID) -> None:
        for subscriber in self._per_session.get(session_id, ()):
            subscriber.close(close_codes.SESSION_ENDED)

    def _end_membership(self, room_id: UUID, user_id: UUID) -> None:
        for subscriber in self._per_user.get(user_id, ()):
            if subscriber.feed is not None and subscriber.feed.room_id == room_id:
                subscriber.close(close_codes.NOT_A_MEMBER)

    def _end_room(self, room_id: UUID) -> None:
        for subscriber in tuple(self.feeds[room_id].subscribers):
            subscriber.close(close_codes.NO_SUCH_ROOM)

    # Upkeep

    async def sweep(self) -> None:
        """Find ended sessions, former members and newer messages in the database, and close lagging sockets."""
        now = asyncio.get_running_loop().time()
        for subscriber in tuple(self.sockets):
            if subscriber.is_busy and now - subscriber.progress > LAG_LIMIT:
                _log.info("chat.socket_lags", user=str(subscriber.user_id))
                subscriber.close(close_codes.LAGGING)
        for room_id, feed in tuple(self.feeds.items()):
            is_quiet = not feed.subscribers and self._writer.is_idle(room_id)
            if is_quiet and now - feed.idle_since > ROOM_LINGERS:
                del self.feeds[room_id]
                await self._bus.unsubscribe(realtime.room_channel(room_id))
        self._tasks = [task for task in self._tasks if not task.done()]
        if self.sockets:
            await self._compare()

    async def _compare(self) -> None:
        rooms = set(self.feeds)
        found = await self.threads.read(
            selectors.get_differences,
            session_ids=set(self._per_session),
            members={(feed.room_id, one.user_id) for feed in self.feeds.values() for one in feed.subscribers},
            room_ids=rooms,
        )
        for session_id in found.ended_sessions:
            self._end_session(session_id)
        for room_id, user_id in found.former_members:
            self._end_membership(room_id, user_id)
        for room_id in rooms & self.feeds.keys():
            feed = self.feeds[room_id]
            if room_id not in found.heads:
                self._end_room(room_id)
            elif feed.is_open.is_set() and feed.is_behind(found.heads[room_id]):
                feed.catch_up()

    async def flush_reads(self) -> None:
        """Store read marks in one statement, and send those that moved to their rooms."""
        reads, self._reads = self._reads, {}
        if not reads:
            return
        try:
            moved = await self.threads.run(services.record_reads, reads=reads)
        except (DatabaseError, InterfaceError) as error:
            _log.warning("chat.reads_kept", error=type(error).__name__)
            for key, seq in reads.items():
                self._reads[key] = max(seq, self._reads.get(key, 0))
            return
        for (room_id, user_id), seq in moved.items():
            self._publish(room_id, realtime.encode(room_events.read(user_id=user_id, seq=seq)))


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except (DatabaseError, InterfaceError) as error:
        _log.warning("chat.work_failed", work=work.__qualname__, error=type(error).__name__)
    except Exception:  # noqa: BLE001  (a bug: logged)
        _log.exception("chat.work_broke", work=work.__qualname__)


hubs: Final = HubRegistry(Hub)
