"""Unit tests of the hub's parts (feed, cursor, batches) with an in-memory bus."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from django.db import OperationalError

from apps.chat.live import feed as feed_module
from apps.chat.live import past
from apps.chat.live.batches import Batches
from apps.chat.live.feed import Feed
from apps.chat.live.subscriber import MANY_DIRECT, MOST_DIRECT, Subscriber
from apps.chat.selectors import room_events
from apps.chat.types import Head, Posted
from infrastructure import realtime
from infrastructure.realtime import packets
from infrastructure.realtime.memory import Air, MemoryBus
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


@pytest.fixture(params=[False, True], ids=["plain", "joined"])
def is_joined(request: pytest.FixtureRequest) -> bool:
    """Whether the server supports joined writes."""
    return bool(request.param)


def opened(stored: Past, head: int = 0, change: int = 0) -> Feed:
    feed = Feed(ROOM, "room", past=stored)
    feed.begin(Head(head, change))
    return feed


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_messages_are_accepted_once_and_gaps_are_read(is_joined: bool) -> None:
    stored, client = Past(), Client(is_joined=is_joined)
    feed = opened(stored)
    feed.enter(client.subscriber(), after=None)
    feed.take(room_events.packed([message(1), message(2)]))
    feed.take(room_events.packed([message(2), message(3)]))
    await settle()
    stored.newest = 7
    feed.take(room_events.packed([message(7)]))
    await feed.drain()
    await settle()
    assert client.seqs == [1, 2, 3, 4, 5, 6, 7]
    assert stored.asked == [(3, feed_module.PAGE)]


async def test_messages_received_while_the_head_is_read_are_kept() -> None:
    stored, client = Past(5), Client()
    feed = Feed(ROOM, "room", past=stored)
    feed.take(room_events.packed([message(5)]))
    feed.begin(Head(4))
    feed.begin(Head())  # the first head counts
    feed.enter(client.subscriber(), after=None)
    await feed.drain()
    await settle()
    assert client.seqs == [5]


async def test_a_catch_up_requested_meanwhile_reads_again_and_survives_errors() -> None:
    stored, client = Past(1), Client()
    feed = opened(stored)
    feed.enter(client.subscriber(), after=None)
    feed.catch_up()
    await asyncio.sleep(0)
    stored.newest = 2
    feed.catch_up()
    await feed.drain()
    await settle()
    assert client.seqs == [1, 2]
    stored.failures, stored.newest = 1, 3
    feed.catch_up()
    await feed.drain()
    feed.catch_up()
    await feed.drain()
    await settle()
    assert client.seqs == [1, 2, 3]


async def test_a_busy_socket_delays_no_other_and_continues_from_ring_or_database(
    monkeypatch: pytest.MonkeyPatch, is_joined: bool
) -> None:
    monkeypatch.setattr(feed_module, "RING_ENTRIES", 4)
    stored, quick, slow = Past(), Client(is_joined=is_joined), Client(is_joined=is_joined)
    feed = opened(stored)
    busy = slow.subscriber()
    feed.enter(quick.subscriber(), after=None)
    feed.enter(busy, after=None)
    slow.takes.clear()
    for seq in range(1, 4):
        stored.newest = seq
        feed.take(room_events.packed([message(seq)]))
        await settle()
    assert (quick.seqs, slow.seqs, busy.is_busy) == ([1, 2, 3], [], True)
    slow.takes.set()
    await settle()
    assert (slow.seqs, busy.is_busy, stored.asked) == ([1, 2, 3], False, [])
    slow.takes.clear()
    for seq in range(4, 20):
        stored.newest = seq
        feed.take(room_events.packed([message(seq)]))
        await settle()
    slow.takes.set()
    await settle()
    assert quick.seqs == slow.seqs == list(range(1, 20))
    assert stored.asked
    assert (len(feed._ring), feed.floor, feed.end) == (4, 15, 19)


async def test_pending_frames_are_joined_once_and_leave_in_one_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = opened(Past())
    clients = [Client(is_joined=True) for _ in range(3)]
    for client in clients:
        feed.enter(client.subscriber(), after=None)
    feed.take(room_events.packed([message(1), message(2)]))
    feed.announce(b'{"type":"typing"}')
    await settle()
    assert [client.seqs for client in clients] == [[1, 2]] * 3
    assert {tuple(client.writes) for client in clients} == {(feed._bytes,)}
    run = feed._run
    late = Client(is_joined=True)
    feed.enter(late.subscriber(), after=1)  # number 2 comes from the past, 3 from the shared run
    feed.take(room_events.packed([message(3)]))
    await settle()
    assert (late.seqs, clients[0].seqs, feed._run is run) == ([2, 3], [1, 2, 3], False)
    monkeypatch.setattr(feed_module, "RUN_BYTES", 300)
    feed.take(room_events.packed([message(seq) for seq in range(4, 10)]))
    await settle()
    assert clients[0].seqs == list(range(1, 10))
    assert len(clients[0].writes) == 5


async def test_ring_is_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "RING_BYTES", 1000)
    feed = opened(Past())
    for _ in range(50):
        feed.announce(b"x" * 98)
    assert (len(feed._ring), feed.start, feed.floor) == (10, 40, 0)


async def test_a_replay_precedes_live_frames_and_retries_the_database(is_joined: bool) -> None:
    stored, client = Past(1200), Client(is_joined=is_joined)
    stored.failures = 1
    feed = opened(stored, head=1200)
    feed.enter(client.subscriber(), after=100)
    stored.newest = 1201
    feed.take(room_events.packed([message(1201)]))
    feed.announce(b'{"type":"typing"}')
    async with asyncio.timeout(10):
        while len(client.got) < 1102:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert client.seqs == list(range(101, 1202))
    assert client.got[-1] == {"type": "typing"}


async def test_a_replay_of_missing_messages_ends(is_joined: bool) -> None:
    stored, client = Past(3), Client(is_joined=is_joined)
    feed = opened(stored, head=9)
    feed.enter(client.subscriber(), after=0)
    await settle()
    await settle()
    feed.take(room_events.packed([message(10)]))
    await settle()
    assert client.seqs == [1, 2, 3, 10]


def edit(feed: Feed, seq: int, change: int) -> None:
    body = realtime.encode(room_events.changed(changed(seq, change)))
    feed.take_change(body, seq=seq, change=change)


def changes_of(client: Client) -> list[tuple[int, int]]:
    return [(frame["change"], frame["seq"]) for frame in client.got if frame["type"] == "edited"]


async def test_changes_are_accepted_once_in_order_and_gaps_are_read(is_joined: bool) -> None:
    stored, client = Past(9), Client(is_joined=is_joined)
    feed = opened(stored, head=9, change=4)
    feed.enter(client.subscriber(), after=None)
    edit(feed, 3, 5)
    edit(feed, 3, 5)
    edit(feed, 2, 4)
    await settle()
    assert (changes_of(client), stored.asked_for_changes) == ([(5, 3)], [])
    stored.changes = {7: 4, 8: 1}  # number 6 was a change of message 1, too
    edit(feed, 1, 8)
    await feed.drain()
    await settle()
    edit(feed, 4, 7)
    edit(feed, 5, 9)
    await settle()
    assert (changes_of(client), stored.asked_for_changes) == ([(5, 3), (7, 4), (8, 1), (9, 5)], [(5, None)])
    assert feed.is_behind(Head(9, 10))
    assert not feed.is_behind(Head(9, 9))


async def test_a_change_of_a_later_message_follows_the_message(is_joined: bool) -> None:
    stored, client = Past(4, {1: 4}), Client(is_joined=is_joined)
    feed = opened(stored, head=3)
    feed.enter(client.subscriber(), after=None)
    edit(feed, 4, 1)
    feed.take(room_events.packed([message(4)]))
    await feed.drain()
    await settle()
    assert [(frame["type"], frame["seq"]) for frame in client.got] == [("message", 4), ("edited", 4)]


async def test_missed_changes_precede_missed_messages_and_live_frames(is_joined: bool) -> None:
    stored, client = Past(20, {5: 3, 7: 11, 8: 2}), Client(is_joined=is_joined)
    feed = opened(stored, head=20, change=8)
    feed.enter(client.subscriber(), after=10, changes=4)
    edit(feed, 1, 9)
    await settle()
    told = [(frame["type"], frame["seq"]) for frame in client.got]
    assert told == [("edited", 3), ("edited", 2), *[("message", n) for n in range(11, 21)], ("edited", 1)]
    late, fresh = Client(is_joined=is_joined), Client(is_joined=is_joined)
    feed.enter(late.subscriber(), after=99, changes=99)  # beyond the newest: nothing was missed
    feed.enter(fresh.subscriber(), after=None)
    await settle()
    assert (late.got, fresh.got) == ([], [])


async def test_socket_that_lagged_behind_the_ring_gets_the_changes_too(
    monkeypatch: pytest.MonkeyPatch, is_joined: bool
) -> None:
    monkeypatch.setattr(feed_module, "RING_ENTRIES", 2)
    stored, slow = Past(3), Client(is_joined=is_joined)
    feed = opened(stored, head=3)
    feed.enter(slow.subscriber(), after=None)
    slow.takes.clear()
    for change in range(1, 10):
        stored.changes = {change - 1: 2, change: 1} if change > 1 else {1: 1}
        edit(feed, 1, change)
        await settle()
    slow.takes.set()
    await settle()
    assert changes_of(slow) == [(1, 1), (8, 2), (9, 1)]
    edit(feed, 2, 10)
    await settle()
    assert changes_of(slow)[-1] == (10, 2)


async def test_direct_answers_come_first_and_apply_backpressure(is_joined: bool) -> None:
    client = Client(is_joined=is_joined)
    feed = opened(Past())
    subscriber = client.subscriber()
    feed.enter(subscriber, after=None)
    client.takes.clear()
    feed.take(room_events.packed([message(1)]))
    await settle()
    for n in range(MANY_DIRECT + 2):
        subscriber.tell(realtime.encode({"type": "n", "n": n}))
    waiting = asyncio.create_task(subscriber.relieved())
    await settle()
    assert not waiting.done()
    feed.take(room_events.packed([message(2)]))
    client.takes.set()
    await asyncio.wait_for(waiting, 2)
    await settle()
    assert [frame["type"] for frame in client.got] == ["message", *["n"] * (MANY_DIRECT + 2), "message"]


async def test_a_socket_that_reads_no_pushes_is_closed() -> None:
    client = Client()
    subscriber = client.subscriber()
    client.takes.clear()
    for n in range(MOST_DIRECT + 2):
        assert not subscriber.is_closed
        subscriber.tell(realtime.encode({"type": "event", "n": n}))
    assert subscriber.close_code == 1013


async def test_events_can_skip_a_user(is_joined: bool) -> None:
    ada, grace = uuid4(), uuid4()
    clients = {ada: Client(is_joined=is_joined), grace: Client(is_joined=is_joined)}
    feed = opened(Past())
    for user, client in clients.items():
        feed.enter(client.subscriber(user), after=None)
    feed.announce(b'{"type":"typing"}', skip=ada)
    await settle()
    assert (clients[ada].got, clients[grace].got) == ([], [{"type": "typing"}])


async def test_a_disconnected_client_gets_nothing_more() -> None:
    client = Client()
    feed = opened(Past())
    subscriber = client.subscriber()
    feed.enter(subscriber, after=None)
    client.is_gone = True
    feed.take(room_events.packed([message(1)]))
    await settle()
    assert subscriber.close_code == 1006
    await subscriber.close(4403)  # without effect
    feed.leave(subscriber)
    feed.take(room_events.packed([message(2)]))
    await settle()
    assert (client.got, client.closed) == ([], [])


async def test_close_cancels_a_waiting_send_and_the_first_code_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("apps.chat.live.subscriber._CLOSE_WITHIN", 0.05)
    stuck, fine = Client(), Client()
    feed = opened(Past())
    blocked, ready = stuck.subscriber(), fine.subscriber()
    for one in (blocked, ready):
        feed.enter(one, after=None)
    stuck.takes.clear()
    feed.take(room_events.packed([message(1)]))
    await settle()
    assert blocked.is_busy
    await asyncio.gather(blocked.close(4408), blocked.close(4403), ready.close(4404))
    assert (blocked.close_code, stuck.closed, fine.closed) == (4408, [], [4404])


async def test_an_error_in_delivery_closes_that_socket() -> None:
    client = Client()
    subscriber = client.subscriber()

    async def broken(event: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        if event["type"] == "websocket.send":
            raise ValueError
        client.closed.append(event["code"])

    subscriber.send = broken
    subscriber.tell(b"x")
    await settle()
    assert client.closed == [1011]


async def test_an_immediate_error_in_delivery_affects_no_other_socket(is_joined: bool) -> None:
    broken, fine = Client(is_joined=is_joined), Client(is_joined=is_joined)

    async def send(event: dict[str, Any]) -> None:
        if event["type"] == "websocket.close":
            broken.closed.append(event["code"])
        else:
            raise ValueError

    feed = opened(Past())
    first = broken.subscriber()
    first.send = send
    feed.enter(first, after=None)
    for _ in range(9):  # independent of the order of the set
        feed.enter(fine.subscriber(), after=None)
    feed.take(room_events.packed([message(1)]))
    await settle()
    assert (broken.closed, fine.seqs) == ([1011], [1] * 9)


async def test_a_failed_catch_up_is_retried() -> None:
    class Broken(Past):
        async def messages(self, room_id: UUID, *, after: int, limit: int) -> Sequence[Posted]:
            if not self.asked:
                self.asked.append((after, limit))
                raise ValueError
            return await super().messages(room_id, after=after, limit=limit)

    client = Client()
    feed = opened(Broken(1))
    feed.enter(client.subscriber(), after=None)
    for _ in range(2):
        feed.catch_up()
        await feed.drain()
    await settle()
    assert client.seqs == [1]


async def test_memory_bus_loses_and_restores() -> None:
    air = Air()
    heard: list[bytes] = []
    again: list[str] = []
    one, other = MemoryBus(air, on_subscribed=again.append), MemoryBus(air, on_subscribed=lambda _: None)
    await one.subscribe("c", heard.append)
    other.publish("c", b"1")
    air.lose()
    other.publish("c", b"2")
    one.publish("c", b"3")
    assert (heard, again, one.is_connected) == ([b"1", b"3"], ["c"], False)
    air.restore()
    assert again == ["c", "c"]
    await one.unsubscribe("c")
    other.publish("c", b"4")
    assert heard == [b"1", b"3"]


async def test_batches_group_waiting_items_and_fail_together() -> None:
    groups: list[list[int]] = []

    async def work(items: Sequence[int]) -> Sequence[int]:
        groups.append(list(items))
        await asyncio.sleep(0)
        if 5 in items:
            raise ValueError
        return [item * 2 for item in items]

    batches: Batches[int, int] = Batches(work, limit=3)
    futures = [batches.submit(n) for n in range(1, 5)]
    futures[1].cancel()
    assert await futures[0] == 2
    assert await futures[3] == 8
    failing = [batches.submit(5), batches.submit(6)]
    failing[1].cancel()
    with pytest.raises(ValueError):
        await failing[0]
    await batches.drain()
    assert groups == [[1, 2, 3], [4], [5, 6]]


async def test_a_batch_with_too_few_results_fails_its_waiting_items_only() -> None:
    async def work(items: Sequence[int]) -> Sequence[int]:
        return items[:1]

    batches: Batches[int, int] = Batches(work, limit=3)
    futures = [batches.submit(n) for n in range(2)]
    assert await futures[0] == 0
    with pytest.raises(ValueError):
        await futures[1]
    await batches.drain()
    assert await batches.submit(7) == 7


def test_packing_messages_is_reversible() -> None:
    payload = room_events.packed([message(7), message(8)])
    assert packets.first_seq(payload) == 7
    assert [orjson.loads(frame)["seq"] for frame in packets.unpack(payload)] == [7, 8]
    assert packets.first_seq(b'{"type":"typing"}') is None
