"""A feed's database and clients in memory, for unit tests of the hub's parts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.db import OperationalError

from apps.chat.live import past
from apps.chat.live.feed import Feed
from apps.chat.live.subscriber import Subscriber
from apps.chat.selectors import room_events
from apps.chat.types import Head, Posted
from infrastructure import realtime
from infrastructure.server import websocket_protocol

AT = datetime(2026, 5, 1, tzinfo=UTC)
ROOM = uuid4()


def message(seq: int) -> Posted:
    return Posted(
        id=UUID(int=seq),
        seq=seq,
        text=str(seq),
        sender_id=None,
        sender_name="S",
        client_id=UUID(int=seq),
        at=AT,
    )


def changed(seq: int, change: int) -> Posted:
    return replace(message(seq), text=f"{seq}, change {change}", edited_at=AT, change=change)


class Past(past.Past):
    """A database of messages 1 to `newest`; `changes` are their last changes, by number."""

    def __init__(self, newest: int = 0, changes: dict[int, int] | None = None) -> None:
        self.newest = newest
        self.changes = changes or {}  # seq by change
        self.asked: list[tuple[int, int]] = []
        self.asked_for_changes: list[tuple[int | None, int | None]] = []
        self.failures = 0

    async def changed(self, room_id: UUID, *, after: int, limit: int) -> Sequence[Posted]:
        self.asked_for_changes.append((after, None))
        await asyncio.sleep(0)
        return [changed(seq, change) for change, seq in self.changes.items() if change > after][:limit]

    async def missed(
        self, room_id: UUID, *, seq: int, after: int | None, up_to: int, limit: int
    ) -> Sequence[Posted]:
        self.asked_for_changes.append((after, up_to))
        await asyncio.sleep(0)
        found = [one for one in self.changes.items() if (after or 0) < one[0] <= up_to and one[1] <= seq]
        return [changed(seq, change) for change, seq in found[:limit]]

    async def messages(self, room_id: UUID, *, after: int, limit: int) -> Sequence[Posted]:
        self.asked.append((after, limit))
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise OperationalError
        return [message(seq) for seq in range(after + 1, min(self.newest, after + limit) + 1)]


class Client:
    """The client of a socket: records frames, and can block sends."""

    def __init__(self, *, is_joined: bool = False) -> None:
        self.is_joined = is_joined
        self.got: list[dict[str, Any]] = []
        self.writes: list[int] = []
        self.closed: list[int] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.is_gone = False

    async def send(self, event: dict[str, Any]) -> None:
        await self.takes.wait()
        if self.is_gone:
            raise OSError
        if event["type"] == "websocket.close":
            self.closed.append(event["code"])
        elif event["type"] == websocket_protocol.FRAMED:
            self.writes.append(len(event["data"]))
            self.got += map(orjson.loads, unframe(event["data"]))
        else:
            self.got.append(orjson.loads(event["text"]))

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.got if frame["type"] == "message"]

    def subscriber(self, user: UUID | None = None) -> Subscriber:
        subscriber = Subscriber(
            self.send, user_id=user or uuid4(), name="N", session_id=uuid4(), is_joined=self.is_joined
        )
        subscriber._owner = None  # the test's own task is not to be ended
        return subscriber


def unframe(data: bytes) -> Iterator[bytes]:
    """The payloads of joined frames of less than 64 KiB each."""
    while data:
        length, start = (data[1], 2) if data[1] < 126 else (int.from_bytes(data[2:4]), 4)
        yield data[start : start + length]
        data = data[start + length :]


def opened(stored: Past, head: int = 0, change: int = 0) -> Feed:
    feed = Feed(ROOM, "room", past=stored)
    feed.begin(Head(head, change))
    return feed


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def edit(feed: Feed, seq: int, change: int) -> None:
    body = realtime.encode(room_events.changed(changed(seq, change)))
    feed.take_change(body, seq=seq, change=change)


def changes_of(client: Client) -> list[tuple[int, int]]:
    return [(frame["change"], frame["seq"]) for frame in client.got if frame["type"] == "edited"]
