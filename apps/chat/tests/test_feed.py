"""Unit tests of a feed: numbers, gaps, the ring and replays."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from apps.chat.live import feed as feed_module
from apps.chat.live.feed import Feed
from apps.chat.selectors import room_events
from apps.chat.tests.hub_parts import (
    ROOM,
    Client,
    Past,
    changes_of,
    edit,
    message,
    opened,
    settle,
)
from apps.chat.types import Head, Posted


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
