"""One room in one process: the newest numbers, a ring buffer of recent frames, and the sockets that follow the room.

Messages and changes (edits, deletions) are accepted by number: duplicates are dropped, and a gap is filled from the
database, which is authoritative. So Redis may lose, duplicate or delay payloads. Events without a number (typing, reads,
presence) are best effort.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError

from apps.chat.live.frame import Frame, joined
from apps.chat.live.past import Past
from apps.chat.live.presence import Presence
from apps.chat.live.subscriber import Entry, Subscriber
from apps.chat.selectors import room_events
from apps.chat.types import Head
from infrastructure.realtime import encode, packets

RING_ENTRIES: Final = 1024
RING_BYTES: Final = 512 * 1024
RUN_BYTES: Final = 64 * 1024
PAGE: Final = 200
_NONE: Final = 2**63
_log = structlog.get_logger(__name__)


class Run(NamedTuple):
    """Entries from position `begin` up to `end`, joined once for all sockets that receive all of them."""

    begin: int
    end: int
    first_seq: int
    last_seq: int
    first_change: int
    last_change: int
    skips: frozenset[UUID]
    event: dict[str, Any]


class Feed:
    """The recent frames of a room and its subscribers. Positions count entries; numbers count messages."""

    def __init__(self, room_id: UUID, slug: str, *, past: Past) -> None:
        self.room_id = room_id
        self.slug = slug
        self.head = 0
        self.change = 0  # the number of the newest change
        self.floor = 0  # messages above it and up to `head` are in the ring, in their current text
        self.start = 0  # position of the ring's first entry
        self.presence = Presence()
        self.subscribers: set[Subscriber] = set()
        self.is_open = asyncio.Event()
        self._read_marks: dict[UUID, int] = {}
        self.idle_since = 0.0
        self._past = past
        self._ring: deque[Entry] = deque()
        self._bytes = 0
        self._run: Run | None = None
        self._woken = False
        self._missed = False
        self._stale = False
        self._filling: asyncio.Task[None] | None = None

    @property
    def end(self) -> int:
        return self.start + len(self._ring)

    def begin(self, head: Head) -> None:
        """Open the feed: everything after `head` is received from now on."""
        if not self.is_open.is_set():
            self.head = self.floor = head.seq
            self.change = head.change
            self.is_open.set()
            if self._missed:
                self.catch_up()

    def welcome(self, subscriber: Subscriber) -> bytes:
        known = self.presence.known_to(subscriber.user_id, subscriber.name)
        online = [{"user": user_id, "name": name} for user_id, name in known.items()]
        return encode(
            {
                "type": "welcome",
                "room": self.slug,
                "seq": self.head,
                "change": self.change,
                "online": online,
            }
        )

    def enter(self, subscriber: Subscriber, *, after: int | None, changes: int | None = None) -> None:
        """Subscribe a socket from now on, or after message `after` and change `changes`."""
        subscriber.seq = self.head if after is None else min(after, self.head)
        if changes is not None:
            subscriber.change = min(changes, self.change)
        elif after is None or not self.change:
            subscriber.change = self.change
        subscriber.feed = self
        self._follow(subscriber)
        self.subscribers.add(subscriber)
        subscriber.pump()

    def leave(self, subscriber: Subscriber) -> None:
        self.subscribers.discard(subscriber)
        self.idle_since = asyncio.get_running_loop().time()

    def take(self, payload: bytes) -> None:
        """Accept messages as packed by the process that stored them."""
        if not self.is_open.is_set():
            self._missed = True  # `head` is being read, perhaps from before these were stored
            return
        first = packets.first_seq(payload)
        if first is None or first > self.head + 1:
            self.catch_up()
            return
        for seq, frame in enumerate(packets.unpack(payload), start=first):
            if seq == self.head + 1:
                self._append(seq, frame)
        self._wake()

    def take_change(self, body: bytes, *, seq: int, change: int) -> None:
        """Accept an edit or a deletion from the process that made it."""
        if not self.is_open.is_set():
            self._missed = True
        elif change > self.change + 1 or seq > self.head:
            self.catch_up()
        elif change > self.change:
            self._append(0, body, change=change)
            self._wake()

    def announce(self, frame: bytes, *, skip: UUID | None = None) -> None:
        """Send an event to every socket in the room, except those of user `skip`."""
        self._append(0, frame, skip)
        self._wake()

    def moves_read_mark(self, user_id: UUID, seq: int) -> bool:
        """Record how far a member has read. Returns False unless it is further than before."""
        if seq <= self._read_marks.get(user_id, 0):
            return False
        self._read_marks[user_id] = seq
        return True

    def is_behind(self, head: Head) -> bool:
        return head.seq > self.head or head.change > self.change

    def distrust_past(self) -> None:
        """Replay messages up to `head` from the database, since those in the ring may be outdated."""
        self.floor = self.head

    def catch_up(self) -> None:
        """Read what follows `head` and `change` from the database; read again if that is already running."""
        self._stale = True
        if self._filling is None:
            self._filling = asyncio.create_task(self._fill())

    async def drain(self) -> None:
        if self._filling is not None:
            await asyncio.wait({self._filling})

    def next_entry(self, subscriber: Subscriber) -> Entry | None:
        """Returns the next entry for a socket and advances it; None when there is none."""
        ring, start = self._ring, self.start
        while (index := subscriber.position - start) < len(ring):
            if index < 0:
                self._catch_up_with(subscriber)
                return None
            entry = ring[index]
            subscriber.position += 1
            if entry.seq:
                if entry.seq <= subscriber.seq:
                    continue
                subscriber.seq = entry.seq
            elif entry.change:
                if entry.change <= (subscriber.change or 0):
                    continue
                subscriber.change = entry.change
            elif entry.skip is not None and entry.skip == subscriber.user_id:
                continue
            return entry
        return None

    def next_run(self, subscriber: Subscriber) -> dict[str, Any] | None:
        """Returns all entries due to a socket, about 64 KiB at most, as one event, and advances it; None when there are none."""
        run = self._run
        if run is None or run.begin != subscriber.position or (run.end < self.end and not _is_full(run)):
            if not self.start <= subscriber.position < self.end:
                if subscriber.position < self.start:
                    self._catch_up_with(subscriber)
                return None
            run = self._run = self._join(subscriber.position)
        if (
            run.first_seq > subscriber.seq
            and run.first_change > (subscriber.change or 0)
            and subscriber.user_id not in run.skips
        ):
            subscriber.position = run.end
            subscriber.seq = run.last_seq or subscriber.seq
            subscriber.change = run.last_change or subscriber.change
            return run.event
        due = []
        while subscriber.position < run.end and (entry := self.next_entry(subscriber)) is not None:
            due.append(entry.frame)
        return joined(due) if due else None

    async def read(self, *, after: int, up_to: int) -> list[tuple[int, Frame]]:
        """Returns some messages from (after, up_to], from the ring if it holds them. Raises DatabaseError."""
        if after >= self.floor:
            return [(entry.seq, entry.frame) for entry in self._ring if after < entry.seq <= up_to]
        page = await self._past.messages(self.room_id, after=after, limit=min(PAGE, up_to - after))
        return [
            (posted.seq, Frame(encode(room_events.message(posted)))) for posted in page if posted.seq <= up_to
        ]

    async def read_changes(self, *, seq: int, after: int | None, up_to: int) -> list[tuple[int, Frame]]:
        """Returns some changes from (after, up_to] of messages up to `seq`; empty at the end. Raises DatabaseError."""
        page = await self._past.missed(self.room_id, seq=seq, after=after, up_to=up_to, limit=PAGE)
        return [(posted.change or 0, Frame(encode(room_events.changed(posted)))) for posted in page]

    def _join(self, begin: int) -> Run:
        entries: list[Entry] = []
        size = 0
        for entry in islice(self._ring, begin - self.start, None):
            entries.append(entry)
            size += len(entry.frame.framed)
            if size >= RUN_BYTES:
                break
        seqs = [entry.seq for entry in entries if entry.seq]
        changes = [entry.change for entry in entries if entry.change]
        return Run(
            begin=begin,
            end=begin + len(entries),
            first_seq=seqs[0] if seqs else _NONE,
            last_seq=seqs[-1] if seqs else 0,
            first_change=changes[0] if changes else _NONE,
            last_change=changes[-1] if changes else 0,
            skips=frozenset(entry.skip for entry in entries if entry.skip is not None),
            event=joined(entry.frame for entry in entries),
        )

    def _follow(self, subscriber: Subscriber) -> None:
        """Replay up to the current numbers from the past, then continue from the ring."""
        subscriber.replay_to = self.head
        subscriber.change_to = self.change
        subscriber.position = self.end

    def _catch_up_with(self, subscriber: Subscriber) -> None:
        """Restart a socket that lagged behind the ring. It missed presence changes, so it is welcomed again."""
        self._follow(subscriber)
        subscriber.tell_soon(self.welcome(subscriber))

    def _append(self, seq: int, payload: bytes, skip: UUID | None = None, *, change: int = 0) -> None:
        if seq:
            self.head = seq
        elif change:
            self.change = change
            self.distrust_past()
        frame = Frame(payload)
        self._ring.append(Entry(seq, frame, skip, change))
        self._bytes += len(frame.framed)
        while len(self._ring) > RING_ENTRIES or self._bytes > RING_BYTES:
            old = self._ring.popleft()
            self.start += 1
            self._bytes -= len(old.frame.framed)
            self.floor = max(self.floor, old.seq)

    def _wake(self) -> None:
        # Several payloads of one turn of the loop are delivered in one go.
        if not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._woken = False
        for subscriber in tuple(self.subscribers):
            subscriber.pump()

    async def _fill(self) -> None:
        try:
            while self._stale:
                self._stale = False
                page = await self._past.messages(self.room_id, after=self.head, limit=PAGE)
                for posted in page:
                    if posted.seq == self.head + 1:  # Redis may have delivered others meanwhile
                        self._append(posted.seq, encode(room_events.message(posted)))
                changed = await self._past.changed(self.room_id, after=self.change, limit=PAGE)
                for posted in changed:
                    if posted.seq > self.head:  # posted after the messages were read
                        self._stale = True
                        break
                    if posted.change is not None and posted.change > self.change:
                        self._append(0, encode(room_events.changed(posted)), change=posted.change)
                self._wake()
                self._stale |= PAGE in (len(page), len(changed))
        except (DatabaseError, InterfaceError) as error:
            # The sweep finds the difference and tries again.
            _log.warning("chat.catch_up_failed", room=str(self.room_id), error=type(error).__name__)
        except Exception:  # noqa: BLE001  (a bug: logged; the sweep tries again)
            _log.exception("chat.catch_up_broke", room=str(self.room_id))
        finally:
            self._filling = None


def _is_full(run: Run) -> bool:
    return len(run.event["data"]) >= RUN_BYTES
