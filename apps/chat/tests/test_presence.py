"""Presence over sockets, processes, crowds, crashes and clock skew: every socket knows the online users in the end."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from django_redis import get_redis_connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.chat.live import feed as feed_module
from apps.chat.live import presence as presence_module
from apps.chat.live.feed import Feed
from apps.chat.live.hub import Hub
from apps.chat.live.presence import Change, Presence
from apps.chat.live.presence_sync import PresenceSync
from apps.chat.live.subscriber import Subscriber
from apps.chat.tests.hub_parts import Client, Past, settle
from apps.chat.types import Head
from infrastructure import realtime
from infrastructure.product import PRODUCT
from infrastructure.realtime.memory import Air, MemoryBus

SHARE, CAMPAIGN = 60, 1000
ADA, GRACE, LINUS = UUID(int=1), UUID(int=2), UUID(int=3)


def test_users_are_counted_over_sockets_and_processes() -> None:
    presence = Presence()
    assert [presence.enter(ADA, "Ada"), presence.enter(ADA, "Ada")] == [True, False]
    presence.apply("p2", [Change(ADA, "Ada", True), Change(GRACE, "Grace", True)], since=0, version=5)
    assert presence.take_changes() == [Change(ADA, "Ada", True), Change(GRACE, "Grace", True)]
    assert [presence.leave(ADA), presence.leave(ADA)] == [False, True]
    assert presence.take_changes() == []
    presence.apply("p2", [Change(ADA, "Ada", False)], since=5, version=6)
    assert presence.take_changes() == [Change(ADA, "Ada", False)]
    assert presence.known_to(LINUS, "Linus") == {GRACE: "Grace", LINUS: "Linus"}


def test_late_states_are_ignored_and_missed_ones_are_requested() -> None:
    presence = Presence()
    presence.replace("p2", {ADA: "Ada"}, version=7)
    presence.apply("p2", [Change(ADA, "Ada", False)], since=5, version=6)
    presence.replace("p2", {}, version=6)
    assert presence.take_changes() == [Change(ADA, "Ada", True)]
    assert not presence.lacks("p2", 7)
    presence.apply("p2", [Change(GRACE, "Grace", True)], since=7, version=8)
    assert not presence.lacks("p2", 8)
    presence.apply("p2", [Change(LINUS, "Linus", True)], since=9, version=10)  # 9 was missed
    assert (presence.lacks("p2", 9), presence.lacks("p2", 10)) == (False, True)
    presence.replace("p2", {LINUS: "Linus"}, version=10)
    assert (presence.lacks("p2", 10), presence.known_to(LINUS, "L")) == (False, {ADA: "Ada", LINUS: "L"})
    assert presence.take_changes() == [Change(ADA, "Ada", False), Change(LINUS, "Linus", True)]


def test_a_process_is_removed_after_two_misses() -> None:
    presence = Presence()
    presence.replace("p2", {ADA: "Ada"}, version=1)
    alive = [False, True, False, False]
    assert [presence.note("p2", is_alive=one) for one in alive] == [False, False, False, True]
    assert list(presence.processes) == []


class StoredBus(MemoryBus):
    """An in-memory bus whose commands go to the Redis of the tests."""

    def send(self, *command: Any) -> None:
        if not self.air.is_gone:
            get_redis_connection("default").execute_command(*command)

    async def ask(self, *commands: tuple[Any, ...]) -> list[Any] | None:
        if self.air.is_gone:
            return None
        return [get_redis_connection("default").execute_command(*command) for command in commands]


class Process:
    """A hub with one room."""

    def __init__(self, air: Air, room_id: UUID) -> None:
        self.hub = Hub(make_bus=lambda **options: StoredBus(air, **options))
        self.bus: Any = self.hub._bus
        self.sync = self.hub._presence
        self.feed = self.hub.feeds[room_id] = Feed(room_id, "room", past=Past())
        self.feed.begin(Head())
        self.sockets: list[tuple[Subscriber, Client]] = []

        self.listen()

    def listen(self) -> None:
        channel = realtime.room_channel(self.feed.room_id)
        self.bus.listeners[channel] = lambda body: self.hub._heard(self.feed, body)

    def enter(self, user_id: UUID, name: str) -> Client:
        client = Client(is_joined=len(self.sockets) % 2 == 0)
        subscriber = Subscriber(
            client.send, user_id=user_id, name=name, session_id=uuid4(), is_joined=client.is_joined
        )
        subscriber._owner = None
        self.hub.enter(subscriber, self.feed, after=None)
        self.sockets.append((subscriber, client))
        return client

    def leave(self, which: int) -> None:
        subscriber, _ = self.sockets.pop(which)
        subscriber.gone()
        self.hub.leave(subscriber, self.feed)

    def crash(self) -> None:
        """End without notice; its state in Redis expires."""
        self.bus.air.buses.remove(self.bus)
        get_redis_connection("default").delete(
            f"{PRODUCT.slug}:present:{{{self.feed.room_id}}}:{self.hub.process}"
        )

    async def aclose(self) -> None:
        while self.sockets:
            self.leave(0)
        if self.sync._timer is not None:
            self.sync._timer.cancel()
        await self.hub._writer.aclose()
        await self.hub.threads.aclose()


def known(client: Client) -> set[str]:
    """Returns the users that a socket knows, asserting that nothing was sent twice."""
    users: set[str] = set()
    for frame in client.got:
        if frame["type"] == "welcome":
            users = {one["user"] for one in frame["online"]}
        elif frame["type"] == "presence":
            assert frame["online"] is (frame["user"] not in users), (frame, users)
            (users.add if frame["online"] else users.discard)(frame["user"])
    return users


class World:
    """Some processes, and the expected presence."""

    def __init__(self, count: int) -> None:
        self.air = Air()
        self.room_id = uuid4()
        self.processes = [Process(self.air, self.room_id) for _ in range(count)]
        self.crashed: list[Process] = []

    @property
    def present(self) -> set[str]:
        return {str(one.user_id) for process in self.processes for one, _ in process.sockets}

    async def step(self, name: str, *arguments: Any) -> None:
        await getattr(self, name)(*arguments)
        await settle()

    async def enter(self, which: int, user: int, name: str) -> None:
        self.processes[which].enter(UUID(int=user), name)

    async def leave(self, which: int, socket: int) -> None:
        if sockets := self.processes[which].sockets:
            self.processes[which].leave(socket % len(sockets))

    async def flush(self, which: int) -> None:
        self.processes[which].sync.flush()

    async def beat(self, which: int) -> None:
        await self.processes[which].sync.beat()

    async def crash(self, which: int) -> None:
        self.processes[which].crash()
        self.crashed.append(self.processes[which])
        self.processes[which] = Process(self.air, self.room_id)

    async def deafen(self, which: int) -> None:
        self.processes[which].bus.listeners.clear()

    async def lose(self) -> None:
        self.air.is_gone = True

    async def restore(self) -> None:
        self.air.is_gone = False

    async def empty_redis(self) -> None:
        redis = get_redis_connection("default")
        for key in redis.scan_iter(f"{PRODUCT.slug}:present:{{{self.room_id}}}*"):
            redis.delete(key)

    async def sleep(self, which: int, socket: int) -> None:
        if sockets := self.processes[which].sockets:
            sockets[socket % len(sockets)][1].takes.clear()

    async def come_to_rest(self) -> None:
        self.air.is_gone = False
        for process in self.processes:
            process.listen()
            process.sync.flush()
        for _ in range(3):
            for process in self.processes:
                await process.sync.beat()
        for process in self.processes:
            for _, client in process.sockets:
                client.takes.set()
        await settle()
        await settle()

    def judge(self) -> None:
        for process in self.processes:
            for _, client in process.sockets:
                assert known(client) == self.present


_process, _socket = st.integers(0, 2), st.integers(0, 50)
STEPS = st.one_of(
    st.tuples(st.just("enter"), _process, st.integers(1, 6), st.sampled_from(["A|b", "C"])),
    st.tuples(st.just("leave"), _process, _socket),
    st.tuples(st.just("flush"), _process),
    st.tuples(st.just("beat"), _process),
    st.tuples(st.just("crash"), _process),
    st.tuples(st.just("sleep"), _process, _socket),
    st.tuples(st.just("deafen"), _process),
    st.tuples(st.just("lose")),
    st.tuples(st.just("restore")),
    st.tuples(st.just("empty_redis")),
)


async def play(steps: list[tuple[Any, ...]], limit: int) -> None:
    world = World(3)
    try:
        for step in steps:
            await world.step(*step)
        await world.come_to_rest()
        while len(world.present) > limit:
            (most, _) = max(enumerate(world.processes), key=lambda one: len(one[1].sockets))
            await world.step("leave", most, 0)
        await world.come_to_rest()
        world.judge()
    finally:
        for process in [*world.processes, *world.crashed]:
            await process.aclose()
        await world.empty_redis()


@settings(
    max_examples=settings().max_examples if settings().max_examples >= CAMPAIGN else SHARE,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=st.lists(STEPS, max_size=60), limit=st.sampled_from([2, 4, 256]), ring=st.sampled_from([2, 1024])
)
def test_every_socket_knows_the_online_users(steps: list[tuple[Any, ...]], limit: int, ring: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence_module, "LIMIT", limit)
        patch.setattr(feed_module, "RING_ENTRIES", ring)
        asyncio.run(play(steps, limit))


async def two() -> tuple[World, Process, Process]:
    world = World(2)
    return world, world.processes[0], world.processes[1]


async def test_clocks_of_hosts_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    world, slow, fast = await two()
    slow_view, fast_view = slow.enter(ADA, "Ada"), fast.enter(GRACE, "Grace")
    now = time.time()
    for _ in range(3):
        monkeypatch.setattr(time, "time", lambda: now)
        await slow.sync.beat()
        monkeypatch.setattr(time, "time", lambda: now + 20)
        await fast.sync.beat()
    await settle()
    assert known(slow_view) == known(fast_view) == {str(ADA), str(GRACE)}
    key = f"{PRODUCT.slug}:present:{{{world.room_id}}}:{slow.hub.process}"
    assert 0 < get_redis_connection("default").ttl(key) <= PresenceSync.LASTS
    for process in world.processes:
        await process.aclose()


async def test_a_rename_between_two_sockets_leaves_one_user() -> None:
    world, one, other = await two()
    watcher = other.enter(GRACE, "Grace")
    one.enter(ADA, "Ada")
    await one.sync.beat()
    one.enter(ADA, "Ada Lovelace")
    await one.sync.beat()
    await other.sync.beat()
    one.leave(1)
    one.leave(0)
    one.sync.flush()
    await other.sync.beat()
    await settle()
    assert known(watcher) == {str(GRACE)}
    for process in world.processes:
        await process.aclose()


async def test_a_user_who_came_and_left_is_not_sent_to_new_sockets() -> None:
    world, here, _ = await two()
    watcher = here.enter(GRACE, "Grace")
    here.sync.flush()
    here.enter(ADA, "Ada")
    newcomer = here.enter(LINUS, "Linus")
    here.leave(1)
    here.sync.flush()
    await settle()
    assert known(watcher) == known(newcomer) == {str(GRACE), str(LINUS)}
    for process in world.processes:
        await process.aclose()


async def test_an_opened_room_reads_the_users_of_other_processes(transactional_db: None) -> None:
    world, here, there = await two()
    here.enter(ADA, "Ada")
    here.sync.flush()
    there.hub.feeds.clear()
    feed = await there.hub.feed(world.room_id, "room")
    await settle()
    assert feed.presence.known_to(GRACE, "Grace") == {ADA: "Ada", GRACE: "Grace"}
    for process in world.processes:
        await process.aclose()


async def test_a_failed_flush_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    world, here, _ = await two()
    monkeypatch.setattr(PresenceSync, "PAUSE", 0.0)
    watcher = here.enter(GRACE, "Grace")
    here.sync.flush()
    publish, faults = here.bus.publish, [ValueError()]

    def publish_later(channel: str, body: bytes) -> None:
        if faults:
            raise faults.pop()
        publish(channel, body)

    monkeypatch.setattr(here.bus, "publish", publish_later)
    here.enter(ADA, "Ada")
    with pytest.raises(ValueError):
        here.sync.flush_due()
    here.enter(LINUS, "Linus")
    assert here.sync._timer is not None
    here.sync.flush_due()
    await settle()
    assert known(watcher) == {str(ADA), str(GRACE), str(LINUS)}
    for process in world.processes:
        await process.aclose()


async def test_presence_events_of_a_room_are_throttled_and_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PresenceSync, "PAUSE", 60.0)
    world, here, there = await two()
    told: list[list[str]] = []

    def hear(body: bytes) -> None:
        told.append([name for _, name, _ in orjson.loads(body)["people"]])

    there.bus.listeners[realtime.room_channel(world.room_id)] = hear
    here.enter(ADA, "first")
    here.sync.flush_due()
    for user, name in enumerate("abc", start=10):
        here.enter(UUID(int=user), name)
    here.sync.flush_due()
    assert told == [["first"]]
    timers = [here.sync._timer]  # scheduled for the other three
    monkeypatch.setattr(PresenceSync, "PAUSE", 0.0)
    here.sync.flush_due()
    timers.append(here.sync._timer)
    assert told == [["first"], ["a", "b", "c"]]
    assert [timer is None for timer in timers] == [False, True]
    here.leave(0)
    here.sync.flush()  # nothing is pending at the end of the process
    assert told[2:] == [["first"]]
    for process in world.processes:
        await process.aclose()
