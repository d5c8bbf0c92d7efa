"""The bus and the control events on a real server: origin, reconnection, silence, threads, a Redis that is away."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer
from django.conf import settings as django_settings
from redis.exceptions import ConnectionError as RedisConnectionError

from infrastructure import realtime
from infrastructure.realtime import bus, control
from infrastructure.realtime.bus import RedisBus
from infrastructure.realtime.tests.gate import Gate
from infrastructure.telemetry.metrics import REALTIME_FAILURES


@pytest.fixture(autouse=True)
def unpaused() -> Iterator[None]:
    bus._pause_until = 0.0
    yield
    bus._pause_until = 0.0


class Ear:
    """A bus that listens, and the payloads that it received."""

    def __init__(self, url: str) -> None:
        self.subscribed: list[str] = []
        self.heard: list[bytes] = []
        self.bus = RedisBus(url, on_subscribed=self.subscribed.append)

    async def on(self, channel: str) -> None:
        before = len(self.subscribed)
        await self.bus.subscribe(channel, self.heard.append)
        await until(lambda: len(self.subscribed) > before)


async def until(condition: Any, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.01)


@pytest.fixture
async def ears() -> AsyncIterator[list[Ear]]:
    ears = [Ear(django_settings.REDIS_URL) for _ in range(2)]
    for ear in ears:
        ear.bus.start()
    await until(lambda: all(ear.bus.is_connected for ear in ears))
    yield ears
    for ear in ears:
        await ear.bus.aclose()


async def test_publisher_hears_itself_once_and_at_once_others_over_redis(ears: list[Ear]) -> None:
    one, other = ears
    channel = f"room:{uuid4()}"
    for ear in ears:
        await ear.on(channel)
    one.bus.publish(channel, b"1")
    assert one.heard == [b"1"]
    await until(lambda: other.heard == [b"1"])
    await asyncio.sleep(0.05)
    assert one.heard == [b"1"]
    await other.bus.unsubscribe(channel)
    one.bus.publish(channel, b"2")
    await asyncio.sleep(0.05)
    assert other.heard == [b"1"]


async def test_order_is_kept_in_a_burst(ears: list[Ear]) -> None:
    one, other = ears
    channel = f"room:{uuid4()}"
    await other.on(channel)
    sent = [str(n).encode() for n in range(3000)]
    for body in sent:
        one.bus.publish(channel, body)
    await until(lambda: len(other.heard) == 3000)
    assert other.heard == sent


async def test_sync_and_async_callers_reach_rooms(ears: list[Ear]) -> None:
    one, local = ears  # the last one that started is the one of this process
    room = uuid4()
    for ear in ears:
        await ear.on(realtime.room_channel(room))
    await asyncio.to_thread(realtime.push_to_room, room, {"n": 1})
    await realtime.apush_to_room(room, {"n": 2})
    await until(lambda: len(one.heard) == 2 and len(local.heard) == 2)
    assert one.heard == local.heard == [b'{"n":1}', b'{"n":2}']


async def test_callers_without_a_bus_of_their_own_reach_rooms() -> None:
    room = uuid4()
    ear = Ear(django_settings.REDIS_URL)
    ear.bus.start()
    bus._running = None
    await ear.on(realtime.room_channel(room))
    await realtime.apush_to_room(room, {"n": 1})
    await until(lambda: ear.heard == [b'{"n":1}'])
    await ear.bus.aclose()


async def test_listener_that_fails_ends_nothing(ears: list[Ear]) -> None:
    one, other = ears
    good, bad = f"room:{uuid4()}", f"room:{uuid4()}"

    def fail(body: bytes) -> None:
        raise ValueError(body)

    await other.bus.subscribe(bad, fail)
    await other.on(good)
    one.bus.publish(bad, b"x")
    one.bus.publish(good, b"y")
    await until(lambda: other.heard == [b"y"])


async def test_fault_of_ours_ends_neither_hearing_nor_sending(
    ears: list[Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = ears
    channel, again = f"room:{uuid4()}", f"room:{uuid4()}"
    await other.on(channel)
    ask, hear = one.bus.ask, other.bus._hear
    faults = [ValueError("ask"), ValueError("hear")]

    async def broken(*commands: tuple[Any, ...]) -> Any:
        monkeypatch.setattr(one.bus, "ask", ask)
        raise faults[0]

    async def deaf(pubsub: Any) -> None:
        monkeypatch.setattr(other.bus, "_hear", hear)
        raise faults[1]

    monkeypatch.setattr(one.bus, "ask", broken)
    monkeypatch.setattr(other.bus, "_hear", deaf)
    one.bus.publish(channel, b"lost")
    await until(lambda: one.bus._sender is not None and one.bus._sender.done())
    assert one.bus._sender is not None
    assert one.bus._sender.exception() is None
    assert other.bus._pubsub is not None
    await other.bus._pubsub.aclose()
    await until(lambda: other.subscribed == [channel, channel])
    await other.on(again)
    one.bus.publish(again, b"heard")
    await until(lambda: other.heard == [b"heard"])


async def test_break_is_followed_by_a_new_subscription(ears: list[Ear]) -> None:
    address = urlsplit(django_settings.REDIS_URL)
    with Gate(str(address.hostname), int(address.port or 6379)) as gate:
        url = address._replace(netloc=f":{address.password or ''}@127.0.0.1:{gate.port}").geturl()
        ear, channel = Ear(url), f"room:{uuid4()}"
        ear.bus.start()
        await until(lambda: ear.bus.is_connected)
        await ear.on(channel)
        gate.close()
        await until(lambda: not ear.bus.is_connected)
        gate.open()
        await until(lambda: ear.subscribed == [channel, channel])
        ears[0].bus.publish(channel, b"back")
        await until(lambda: ear.heard == [b"back"])
        await ear.bus.aclose()


async def test_an_outage_of_redis_raises_no_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ear = Ear(f"redis://127.0.0.1:{port}/0")
    ear.bus.start()
    await ear.bus.subscribe("c", ear.heard.append)
    before = REALTIME_FAILURES.labels("ask")._value.get()
    ear.bus.publish("c", b"own")
    assert await ear.bus.ask(("PING",)) is None
    await until(lambda: REALTIME_FAILURES.labels("ask")._value.get() >= before + 2)
    assert (ear.heard, ear.bus.is_connected) == ([b"own"], False)
    await ear.bus.unsubscribe("c")
    await ear.bus.aclose()


async def test_a_silent_server_counts_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "_SILENCE", 0.02)

    class Silent:
        pings = 0

        async def subscribe(self, *channels: str) -> None: ...

        async def get_message(self, **options: float) -> None: ...

        async def ping(self) -> None:
            self.pings += 1

    ear = Ear(django_settings.REDIS_URL)
    silent: Any = Silent()
    with pytest.raises(RedisConnectionError):
        await ear.bus._hear(silent)
    assert silent.pings == 3
    await ear.bus.aclose()


def test_sync_publisher_pauses_after_a_failure(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    cache = settings.CACHES["default"]
    settings.CACHES = {"default": {**cache, "LOCATION": f"redis://127.0.0.1:{port}/0"}}
    layer = settings.CHANNEL_LAYERS["default"]
    hosts = [{"address": f"redis://127.0.0.1:{port}/0", "socket_connect_timeout": 0.5}]
    settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": {"hosts": hosts}}}
    before = REALTIME_FAILURES.labels("publish")._value.get()
    for _ in range(3):
        realtime.push_to_room(uuid4(), {"n": 1})
    assert REALTIME_FAILURES.labels("publish")._value.get() == before + 3
    assert bus._pause_until > time.monotonic()
    before = REALTIME_FAILURES.labels("control")._value.get()
    realtime.push_to_user(uuid4(), {"n": 1})
    assert REALTIME_FAILURES.labels("control")._value.get() == before + 1


async def test_control_events_reach_every_process_that_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_pause_until", 0.0)  # another test took Redis away just now
    heard: list[tuple[str, Mapping[str, Any]]] = []
    layer = get_channel_layer()
    join, joined = layer.group_add, []

    async def and_note(group: str, name: str) -> None:
        await join(group, name)
        joined.append(name)

    monkeypatch.setattr(layer, "group_add", and_note)
    tasks = [asyncio.create_task(control.listen(lambda *event: heard.append(event))) for _ in range(2)]
    await until(lambda: len(joined) == 2)
    user, session = uuid4(), uuid4()
    await realtime.apush_to_user(user, {"type": "notification"})
    await asyncio.to_thread(realtime.publish, f"session:{session}", {"type": "session.ended"})
    # Tests in other processes publish as well, and a Redis server's channels are the same for all of its databases.
    wanted = [(f"user:{user}", {"type": "notification"}), (f"session:{session}", {"type": "session.ended"})]
    await until(lambda: [heard.count(event) for event in wanted] == [2, 2])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_control_event_that_breaks_ends_no_listening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_pause_until", 0.0)
    heard: list[str] = []
    bad, good = f"user:{uuid4()}", f"user:{uuid4()}"
    layer = get_channel_layer()
    join, joined = layer.group_add, asyncio.Event()

    async def and_note(group: str, name: str) -> None:
        await join(group, name)
        joined.set()

    def handle(channel: str, payload: Mapping[str, Any]) -> None:
        heard.append(channel)
        if channel == bad:
            raise ValueError(channel)

    monkeypatch.setattr(layer, "group_add", and_note)
    task = asyncio.create_task(control.listen(handle))
    await joined.wait()
    for channel in (bad, good):
        await realtime.apublish(channel, {})
    await until(lambda: good in heard)
    assert bad in heard
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_layer_that_misses_redis_is_a_line_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = logging.getLogger("channels_redis.pubsub")
    (outages,) = [one for one in logger.filters if isinstance(one, control.OutageFilter)]
    monkeypatch.setattr(outages, "_quiet_until", 0.0)
    for error in (RedisConnectionError("gone"), ConnectionRefusedError(), ValueError("a fault")):
        try:
            raise error
        except Exception:
            logger.exception("Unexpected exception in receive task")
    outage, fault = caplog.records
    assert (outage.levelno, outage.getMessage()) == (logging.WARNING, "control.redis_away: ConnectionError")
    assert (outage.exc_info, fault.levelno, bool(fault.exc_info)) == (None, logging.ERROR, True)


async def test_a_subscription_on_a_connection_closed_meanwhile_is_made_after_the_break(
    ears: list[Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    ear, channel = ears[0], f"room:{uuid4()}"
    pubsub: Any = ear.bus._pubsub

    async def closed(*_: str) -> None:
        raise AttributeError("'NoneType' object has no attribute 'writelines'")

    monkeypatch.setattr(pubsub, "subscribe", closed)
    await ear.bus.subscribe(channel, ear.heard.append)
    assert channel not in ear.subscribed
    pubsub.connection._writer.close()
    await until(lambda: channel in ear.subscribed)
