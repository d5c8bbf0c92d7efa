"""Unit tests of batches, packed messages and the in-memory bus."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
import pytest

from apps.chat.live.batches import Batches
from apps.chat.selectors import room_events
from apps.chat.tests.hub_parts import (
    message,
)
from infrastructure.realtime import packets
from infrastructure.realtime.memory import Air, MemoryBus


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
