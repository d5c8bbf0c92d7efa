"""Random operations in a room, compared with a reference list.

Three hubs share an in-memory bus and the real database. Hypothesis generates the steps of users and the failures: users send
and resend, connect, disconnect and reconnect from any number, stop reading, edit and delete; hubs are killed with pending
work, and the bus or single pushes are lost. In the end every client has received every number once and in order, every
acknowledgement is correct, a replay from the beginning equals the list, and the texts of each client, over all of its
connections, equal those of the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.chat import selectors, services
from apps.chat.live import feed as feed_module
from apps.chat.live.feed import Feed
from apps.chat.live.hub import Hub
from apps.chat.live.subscriber import Subscriber
from apps.chat.models import Message
from apps.chat.tests.factories import RoomFactory, member_of
from apps.chat.tests.hub_parts import Client
from apps.chat.types import Draft, Head
from infrastructure import realtime
from infrastructure.realtime.memory import Air, MemoryBus

pytestmark = pytest.mark.campaign

HUBS, USERS = 3, 3
SHARE, CAMPAIGN = 12, 1000
_hub, _user = st.integers(0, HUBS - 1), st.integers(0, USERS - 1)
_any = st.integers(0, 1000)
STEPS = st.one_of(
    st.tuples(st.just("connect"), _hub, _user, st.sampled_from(["live", "last", "exact", "start"])),
    st.tuples(st.just("send"), _any, st.integers(1, 4)),
    st.tuples(st.just("send_again"), _any, _any),
    st.tuples(st.just("disconnect"), _any),
    st.tuples(st.just("sleep"), _any),
    st.tuples(st.just("wake"), _any),
    st.tuples(st.just("kill"), _hub),
    st.tuples(st.just("lose_bus")),
    st.tuples(st.just("restore_bus")),
    st.tuples(st.just("lose_push")),
    st.tuples(st.just("sweep"), _hub),
    st.tuples(st.just("edit"), _any),
    st.tuples(st.just("delete"), _any),
    st.tuples(st.just("wait")),
)


class Live:
    """A socket of a user at one hub."""

    def __init__(self, hub: Hub, feed: Feed, owner: int, user: Any, *, is_joined: bool) -> None:
        self.hub, self.feed, self.owner = hub, feed, owner
        self.client = Client(is_joined=is_joined)
        self.subscriber = Subscriber(
            self.client.send, user_id=user.pk, name=user.name, session_id=uuid4(), is_joined=is_joined
        )
        self.subscriber._owner = None
        self.after = 0
        self.is_open = True
        self.before: dict[int, str] = {}  # the texts that its user had when it connected
        self.known_change: int | None = None

    @property
    def held(self) -> dict[int, str]:
        """The texts that its user has, by number."""
        held = dict(self.before)
        for frame in self.client.got:
            if frame["type"] == "message" or (frame["type"] == "edited" and frame["seq"] in held):
                held[frame["seq"]] = frame["message"]
            elif frame["type"] == "deleted" and frame["seq"] in held:
                held[frame["seq"]] = ""
        return held

    @property
    def changes(self) -> list[int]:
        """The numbers of the changes that it received."""
        return [frame["change"] for frame in self.client.got if frame["type"] in ("edited", "deleted")]

    @property
    def change(self) -> int | None:
        """The newest change received; None when it is unknown."""
        return self.changes[-1] if self.changes else self.known_change

    def leave(self) -> None:
        self.is_open = False
        self.subscriber.gone()
        self.hub.leave(self.subscriber, self.feed)

    @property
    def acks(self) -> list[dict[str, Any]]:
        return [frame for frame in self.client.got if frame["type"] == "ack"]


@dataclass
class World:
    """The room, the hubs, and the reference: posted texts by client id, and current texts by number."""

    room: Any
    users: list[Any]
    air: Air = field(default_factory=Air)
    hubs: list[Hub] = field(default_factory=list)
    dead: list[Hub] = field(default_factory=list)
    lives: list[Live] = field(default_factory=list)
    said: dict[UUID, tuple[int, str]] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    pushes_to_lose: int = 0

    def new_hub(self) -> Hub:
        return Hub(make_bus=lambda on_subscribed: MemoryBus(self.air, on_subscribed=on_subscribed))

    def open_lives(self) -> list[Live]:
        return [live for live in self.lives if live.is_open]

    def acknowledged(self) -> dict[UUID, int]:
        """The number of each acknowledged message, the same in all of its acknowledgements."""
        numbers: dict[UUID, int] = {}
        for live in self.lives:
            for ack in live.acks:
                assert numbers.setdefault(UUID(ack["client_id"]), ack["seq"]) == ack["seq"]
        return numbers

    async def step(self, kind: str, *values: Any) -> None:
        await getattr(self, kind)(*values)
        await asyncio.sleep(0)

    async def connect(self, hub: int, owner: int, where: str) -> Live:
        live_hub = self.hubs[hub]
        feed = await live_hub.feed(self.room.pk, self.room.slug)
        mine = [live for live in self.lives if live.owner == owner]
        last = max(mine, key=lambda live: max(live.client.seqs, default=0), default=None)
        seq = 0 if last is None else max(last.client.seqs, default=0)
        after = {"live": None, "last": seq, "exact": seq, "start": 0}[where]
        changes = last.change if last is not None and where == "exact" else None
        live = Live(live_hub, feed, owner, self.users[owner], is_joined=len(self.lives) % 2 == 0)
        live.after = feed.head if after is None else min(after, feed.head)
        if last is not None and where in ("last", "exact"):
            live.before = {number: text for number, text in last.held.items() if number <= live.after}
        live.known_change = feed.change if after is None else changes
        live_hub.enter(live.subscriber, feed, after=after, changes=changes)
        self.lives.append(live)
        return live

    async def send(self, which: int, count: int) -> None:
        if lives := self.open_lives():
            live = lives[which % len(lives)]
            for _ in range(count):
                client_id = uuid4()
                self.said[client_id] = (live.owner, f"{live.owner}: {len(self.said)}")
                self.post(live, client_id)

    async def send_again(self, which: int, live: int) -> None:
        if self.said:
            client_id = list(self.said)[which % len(self.said)]
            mine = [one for one in self.open_lives() if one.owner == self.said[client_id][0]]
            if mine:
                self.post(mine[live % len(mine)], client_id)

    def post(self, live: Live, client_id: UUID) -> None:
        draft = Draft(sender_id=self.users[live.owner].pk, text=self.said[client_id][1], client_id=client_id)
        live.hub.post(live.subscriber, live.feed, draft)

    async def disconnect(self, which: int) -> None:
        if lives := self.open_lives():
            lives[which % len(lives)].leave()

    async def sleep(self, which: int) -> None:
        if lives := self.open_lives():
            lives[which % len(lives)].client.takes.clear()

    async def wake(self, which: int) -> None:
        if lives := self.open_lives():
            lives[which % len(lives)].client.takes.set()

    async def kill(self, which: int) -> None:
        hub = self.hubs[which]
        self.air.buses.remove(hub._bus)
        for live in self.open_lives():
            if live.hub is hub:
                live.client.is_gone = True
                live.leave()
        self.dead.append(hub)
        self.hubs[which] = self.new_hub()

    async def lose_bus(self) -> None:
        self.air.lose()

    async def restore_bus(self) -> None:
        self.air.restore()

    async def sweep(self, which: int) -> None:
        for feed in self.hubs[which].feeds.values():
            if feed.is_open.is_set() and feed.is_behind(await self.head()):
                feed.catch_up()

    async def drain(self, which: int) -> None:
        for feed in self.hubs[which].feeds.values():
            await feed.drain()

    async def lose_push(self) -> None:
        self.pushes_to_lose += 1

    async def head(self) -> Head:
        heads = await self.hubs[0].threads.read(selectors.list_heads, room_ids=[self.room.pk])
        return heads[self.room.pk]

    async def edit(self, which: int) -> None:
        await self.change(which, self.edit_row)

    async def delete(self, which: int) -> None:
        await self.change(which, self.delete_row)

    async def change(self, which: int, work: Callable[[Any], None]) -> None:
        """Change one of the stored messages."""

        def pick_and_change() -> None:
            rows = list(Message.objects.filter(room=self.room).order_by("seq"))
            if rows:
                work(rows[which % len(rows)])

        await self.hubs[0].threads.run(pick_and_change)

    def edit_row(self, row: Any) -> None:
        if row.deleted_at is None:
            text = f"{row.text}!"
            services.edit_message(
                actor_id=row.sender_id, slug=self.room.slug, message_id=row.pk, text=text, now=timezone.now()
            )
            self.texts[row.seq] = text
            self.changed.add(row.seq)

    def delete_row(self, row: Any) -> None:
        services.delete_message(actor_id=row.sender_id, slug=self.room.slug, message_id=row.pk)
        self.texts[row.seq] = ""
        self.changed.add(row.seq)

    async def wait(self) -> None:
        for hub in self.hubs:
            await hub._writer.drain()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def come_to_rest(self) -> None:
        """Repair everything, and send messages without an acknowledgement again."""
        self.air.restore()
        for live in self.lives:
            live.client.takes.set()
        for hub in self.dead:
            await hub._writer.drain()
        last = [await self.connect(0, owner, "start") for owner in range(USERS)]
        acknowledged = self.acknowledged()
        for client_id, (owner, _) in self.said.items():
            if client_id not in acknowledged:
                self.post(last[owner], client_id)
        await self.wait()
        for number in range(HUBS):
            await self.sweep(number)
        head = await self.head()
        assert head.seq == len(self.said)
        subscribers = [live.subscriber for live in self.open_lives()]
        await self.until(lambda: all((one.seq, one.change) == head for one in subscribers))
        await self.part_and_come_back(last)

    async def part_and_come_back(self, lives: list[Live]) -> None:
        """Change messages while these sockets are disconnected, then reconnect them to other hubs."""
        await self.until(lambda: not any(live.subscriber.is_busy for live in self.open_lives()))
        for live in lives:
            live.leave()
        for number in range(3):
            await self.edit(number)
            await self.delete(number + 1)
        head = await self.head()
        for number in range(HUBS):
            await self.sweep(number)
            await self.drain(number)
        wheres = ["exact", "last", "exact"]
        back = [await self.connect((live.owner + 1) % HUBS, live.owner, wheres[live.owner]) for live in lives]
        await self.until(lambda: all((one.subscriber.seq, one.subscriber.change) == head for one in back))
        await self.until(lambda: not any(live.subscriber.is_busy for live in self.open_lives()))

    def judge(self) -> None:
        acknowledged = self.acknowledged()
        assert sorted(acknowledged.values()) == list(range(1, len(self.said) + 1))
        for client_id, seq in acknowledged.items():
            self.texts.setdefault(seq, self.said[client_id][1])
        for live in self.lives:
            last = live.client.seqs[-1] if live.client.seqs else live.after
            assert live.client.seqs == list(range(live.after + 1, last + 1))
            if live.is_open:
                assert last == len(self.said)
            assert live.changes == sorted(set(live.changes))
        replay = [frame for frame in self.lives[-1].client.got if frame["type"] == "message"]
        assert {UUID(frame["client_id"]): frame["seq"] for frame in replay} == acknowledged


async def play(room: Any, users: list[Any], steps: list[tuple[Any, ...]]) -> None:
    world = World(room, users)
    world.hubs = [world.new_hub() for _ in range(HUBS)]
    loop = asyncio.get_running_loop()

    def post(channel: str, body: bytes) -> None:
        # What a service publishes reaches some process by Redis: here the first, and the others over the bus.
        if world.pushes_to_lose:
            world.pushes_to_lose -= 1
        else:
            loop.call_soon_threadsafe(world.hubs[0]._bus.publish, channel, body)

    original, realtime.post = realtime.post, post
    try:
        # Begin with a member and a message, because most short histories would be empty otherwise.
        for owner in range(USERS):
            await world.connect(owner % HUBS, owner, "live")
            await world.send(owner, 2)
        await world.wait()
        for step in steps:
            await world.step(*step)
        await world.come_to_rest()
        # Read the room again: edits may follow a message.
        await world.connect(1, 0, "start")
        await world.until(lambda: world.lives[-1].subscriber.seq == len(world.said))
        world.judge()
        now = {frame["seq"]: frame for frame in world.lives[-1].client.got if frame["type"] == "message"}
        stored = await world.hubs[0].threads.run(
            lambda: dict(Message.objects.filter(room=room).values_list("seq", "text"))
        )
        assert stored == {seq: frame["message"] for seq, frame in now.items()} == world.texts
        changed = {seq for seq, frame in now.items() if "edited_at" in frame or frame.get("deleted")}
        assert changed == world.changed == {seq for seq, frame in now.items() if "change" in frame}
        for live in world.open_lives():
            assert live.held == {seq: stored[seq] for seq in live.held}
    finally:
        realtime.post = original
        for live in world.open_lives():
            live.leave()
        for hub in [*world.hubs, *world.dead]:
            await hub._writer.aclose()
            for feed in hub.feeds.values():
                await feed.drain()
            await hub.threads.aclose()


@pytest.fixture
def users(transactional_db: None) -> list[Any]:
    room = RoomFactory.create()
    return [member_of(room) for _ in range(USERS)]


@settings(
    max_examples=settings().max_examples if settings().max_examples >= CAMPAIGN else SHARE,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, max_size=40), ring=st.sampled_from([3, 1024]))
def test_a_room_matches_the_reference_list(users: list[Any], steps: list[tuple[Any, ...]], ring: int) -> None:
    room = RoomFactory.create()
    for user in users:
        services.join_room(actor_id=user.pk, slug=room.slug)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_module, "RING_ENTRIES", ring)
        asyncio.run(play(room, users, steps))
