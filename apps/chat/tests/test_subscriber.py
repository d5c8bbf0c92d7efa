"""Unit tests of a subscriber: direct answers, closing and errors."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from apps.chat.live.subscriber import MANY_DIRECT, MOST_DIRECT
from apps.chat.selectors import room_events
from apps.chat.tests.hub_parts import (
    Client,
    Past,
    message,
    opened,
    settle,
)
from infrastructure import realtime


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
