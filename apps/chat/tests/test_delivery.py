"""No acknowledged message is lost, duplicated or reordered: two hubs, no Redis, slow readers, a killed process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from django.conf import settings
from django.db import connection
from websockets.exceptions import WebSocketException

from apps.chat import services
from apps.chat.live import feed, hub, subscriber
from apps.chat.live.hub import hubs
from apps.chat.models import Membership, Message
from apps.chat.tests.conftest import Site, Socket
from apps.chat.tests.factories import RoomFactory, member_of
from apps.chat.types import Draft
from apps.common.testing.users import access_token_for
from apps.common.testing.waiting import wait_until
from config.env import BASE_DIR
from infrastructure.embedded.postgres import free_port
from infrastructure.realtime import bus
from infrastructure.realtime.tests.gate import Gate


@pytest.fixture
def gate(settings: Any, transactional_db: None) -> Iterator[Gate]:
    """A proxy to Redis that the test can close: connections break, and new ones are refused."""
    address = urlsplit(settings.REDIS_URL)
    with Gate(str(address.hostname), int(address.port or 6379)) as gate:
        url = address._replace(netloc=f":{address.password or ''}@127.0.0.1:{gate.port}").geturl()
        settings.REDIS_URL = url
        cache = settings.CACHES["default"]
        settings.CACHES = {"default": {**cache, "LOCATION": url}}
        layer = settings.CHANNEL_LAYERS["default"]
        settings.CHANNEL_LAYERS = {
            "default": {
                **layer,
                "CONFIG": {**layer["CONFIG"], "hosts": [{"address": url, "socket_timeout": 1.0}]},
            }
        }
        yield gate


def post(room: Any, sender: Any, *texts: str) -> None:
    services.post_messages(room_id=room.pk, drafts=[Draft(sender_id=sender.pk, text=text) for text in texts])


def test_two_hubs_share_rooms_presence_typing_and_reads(serve: Callable[[], Site]) -> None:
    first, second = serve(), serve()
    room = RoomFactory.create()
    ada, grace = member_of(room, name="Ada"), member_of(room, name="Grace")
    here = first.inside(room.slug, ada)
    there = second.enter(room.slug, grace)
    assert there.frame()["type"] == "welcome"
    assert here.next("presence") == {
        "type": "presence",
        "user": str(grace.pk),
        "name": "Grace",
        "online": True,
    }
    # What one hub learned before the other's room was open comes with the heartbeat, at most once.
    here.say("over there")
    assert there.next("message")["message"] == "over there"
    there.send(type="typing")
    assert here.next("typing")["name"] == "Grace"
    there.send(type="read", seq=1)
    assert here.next("read") == {"type": "read", "user": str(grace.pk), "seq": 1}
    there.say("and back")
    assert [one["message"] for one in here.messages(1)] == ["and back"]
    there.connection.close()
    assert here.next("presence")["online"] is False


def test_two_hubs_under_load_deliver_everything_once_and_in_order(
    serve: Callable[[], Site], settings: Any
) -> None:
    settings.CHAT_FRAMES_PER_SECOND = 10_000
    sites = [serve(), serve()]
    room = RoomFactory.create()
    members = [member_of(room) for _ in range(4)]
    talkers = [sites[n % 2].inside(room.slug, member) for n, member in enumerate(members)]
    for n in range(100):
        for talker in talkers:
            talker.say(str(n))
    for talker in talkers:
        assert [one["seq"] for one in talker.messages(400)] == list(range(1, 401))
    assert Message.objects.count() == 400


def test_without_redis_each_hub_serves_its_own_sockets_and_others_catch_up(
    gate: Gate, serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "SWEEP_EVERY", 60.0)  # so that only the return of Redis repairs it
    first, second = serve(), serve()
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    here, there = first.inside(room.slug, ada), second.inside(room.slug, grace)
    here.say("one")
    assert there.messages(1)[0]["seq"] == 1
    here.messages(1)
    gate.close()
    for text in ("two", "three"):
        here.say(text)
        assert here.next("ack")["seq"]
        assert here.messages(1)[0]["message"] == text
    assert there.is_quiet("message")
    late = first.inside(room.slug, ada, after=1)  # entering and replay need no Redis either
    assert [one["seq"] for one in late.messages(2)] == [2, 3]
    gate.open()
    assert [one["seq"] for one in there.messages(2, timeout=5)] == [2, 3]
    there.say("four")
    for socket in (here, late, there):
        assert socket.messages(1)[0]["seq"] == 4


@pytest.mark.campaign
def test_a_room_opened_without_redis_is_served_by_the_sweep(gate: Gate, serve: Callable[[], Site]) -> None:
    first, second = serve(), serve()
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    gate.close()
    here, there = first.inside(room.slug, ada), second.inside(room.slug, grace)
    begun = time.monotonic()
    here.say("in the dark")
    assert there.messages(1)[0]["message"] == "in the dark"
    assert time.monotonic() - begun < 5


@pytest.mark.campaign
def test_posting_over_rest_does_not_wait_for_redis(gate: Gate, serve: Callable[[], Site]) -> None:
    site = serve()
    room = RoomFactory.create()
    ada = member_of(room)
    socket = site.inside(room.slug, ada)
    gate.close()
    begun = time.monotonic()
    for n in range(20):
        post(room, ada, str(n))
    assert time.monotonic() - begun < 2
    # The hub of this process receives it without Redis.
    assert [one["seq"] for one in socket.messages(20)] == list(range(1, 21))
    bus._pause_until = 0.0


def test_a_lost_payload_leaves_no_gap(serve: Callable[[], Site]) -> None:
    first, second = serve(), serve()
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    here, there = first.inside(room.slug, ada), second.inside(room.slug, grace)
    services.store_messages(room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text=str(n)) for n in (1, 2)])
    here.say("3")
    for socket in (here, there):
        assert [one["message"] for one in socket.messages(3)] == ["1", "2", "3"]


def test_a_slow_reader_gets_everything_and_delays_no_other(
    serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "RING_ENTRIES", 50)  # so that the past has to come from the database
    site = serve()
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    awake = site.inside(room.slug, ada)
    asleep = site.inside(room.slug, grace, max_queue=4)
    text = "x" * 3900
    for n in range(8):
        post(room, ada, *(f"{n * 250 + i} {text}" for i in range(250)))
        assert len(awake.messages(250)) == 250
    seqs = [one["seq"] for one in asleep.messages(2000, timeout=30)]
    assert seqs == list(range(1, 2001))
    post(room, ada, "awake again")
    assert asleep.messages(1)[0]["seq"] == 2001


def test_a_stalled_reader_is_closed(serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LAG_LIMIT", 0.5)
    monkeypatch.setattr(hub, "SWEEP_EVERY", 0.3)
    monkeypatch.setattr(subscriber, "_CLOSE_WITHIN", 0.2)
    site = serve()
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    awake = site.inside(room.slug, ada)
    site.inside(room.slug, grace, max_queue=1, close_timeout=0.1)
    assert awake.next("presence")["online"] is True
    for _ in range(6):
        post(room, ada, *("x" * 3900 for _ in range(250)))
    gone = awake.next("presence", timeout=20)
    assert (gone["user"], gone["online"]) == (str(grace.pk), False)


def test_a_stopping_server_closes_with_1012_and_stores_the_last_messages(serve: Callable[[], Site]) -> None:
    site = serve()
    room = RoomFactory.create()
    ada = member_of(room)
    socket = site.inside(room.slug, ada)
    loop, live = next(iter(hubs._hubs.items()))
    socket.say("last words")
    done = threading.Event()

    async def end() -> None:
        await live.aclose()
        done.set()

    def begin() -> None:
        loop.create_task(end())

    assert socket.next("ack")["seq"] == 1
    loop.call_soon_threadsafe(begin)
    assert socket.close_code() == 1012
    assert done.wait(10)
    assert site.enter(room.slug, ada).close_code() == 1012
    del hubs._hubs[loop]


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path) -> Iterator[Callable[[int], list[tuple[Site, Any]]]]:
    """Server processes that can be killed. They write to `server.log`."""
    database = connection.settings_dict
    user, password = quote(str(database["USER"]), safe=""), quote(str(database["PASSWORD"]), safe="")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DJANGO_READ_DOT_ENV": "0",
        "JWT_KEYS": f"test:{settings.JWT_KEYS[0][1]}",
        "DATABASE_URL": f"postgres://{user}:{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}",
        "CHAT_FRAMES_PER_SECOND": "10000",
        "DATA_DIR": str(tmp_path),
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(count: int) -> list[tuple[Site, Any]]:
        ports = [free_port() for _ in range(count)]
        for port in ports:
            with (tmp_path / "server.log").open("ab") as log:
                command = [sys.executable, "-m", "config.serve", "--port", str(port)]
                one = subprocess.Popen(
                    command, cwd=BASE_DIR, env=environment, stdout=log, stderr=subprocess.STDOUT
                )
            started.append(one)
        for port in ports:
            wait_until(lambda port=port: _answers(port), seconds=60)  # type: ignore[misc]
        return [(Site(port), one) for port, one in zip(ports, started, strict=True)]

    yield start
    for one in started:
        if one.poll() is None:
            one.send_signal(signal.SIGTERM)
    for one in started:
        one.wait(timeout=20)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


class Talker(threading.Thread):
    """Sends numbered messages, and reconnects by the protocol's rules whenever the connection breaks."""

    def __init__(self, sites: list[Site], slug: str, user: Any, count: int) -> None:
        super().__init__()
        self.sites, self.slug, self.count = sites, slug, count
        self.token = access_token_for(user)
        self.waiting = {str(uuid4()): str(n) for n in range(count)}
        self.acknowledged: dict[str, int] = {}
        self.heard: list[int] = []

    def run(self) -> None:
        while self.waiting:
            try:
                self.talk(
                    self.sites[0].handshake(
                        self.slug, f"?after={len(self.heard)}", additional_headers=self.headers
                    )
                )
            except (WebSocketException, OSError, EOFError):
                self.sites.append(self.sites.pop(0))

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def talk(self, socket: Socket) -> None:
        for client_id, text in list(self.waiting.items()):
            socket.say(text, client_id)
            self.hear(socket)
        while self.waiting:
            self.hear(socket)

    def hear(self, socket: Socket) -> None:
        frame = socket.next("ack", "message", timeout=20)
        if frame["type"] == "ack":
            self.acknowledged[frame["client_id"]] = frame["seq"]
            self.waiting.pop(frame["client_id"], None)
        else:
            self.heard.append(frame["seq"])


def test_a_killed_process_loses_no_acknowledged_message(
    processes: Callable[[int], list[tuple[Site, Any]]], tmp_path: Path
) -> None:
    (first, victim), (second, _) = processes(2)
    room = RoomFactory.create()
    members = [member_of(room) for _ in range(3)]
    talkers = [Talker([first, second], room.slug, member, 150) for member in members]
    for talker in talkers:
        talker.start()
    wait_until(lambda: Message.objects.count() > 60, seconds=40)
    victim.kill()
    for talker in talkers:
        talker.join(timeout=60)
        assert not talker.is_alive()
    stored = dict(Message.objects.values_list("client_id", "seq"))
    assert sorted(stored.values()) == list(range(1, 451))
    for talker in talkers:
        assert len(talker.acknowledged) == 150
        assert all(stored[UUID(client_id)] == seq for client_id, seq in talker.acknowledged.items())
        assert talker.heard == list(range(1, len(talker.heard) + 1))
    # A reader of the other process sees the users of the crashed one leave after the expiry.
    by_query = second.handshake(room.slug, f"?after=0&token={talkers[0].token}")
    assert [one["seq"] for one in by_query.messages(450)] == list(range(1, 451))
    log = (tmp_path / "server.log").read_text()
    assert "/ws/chat/" in log
    assert talkers[0].token not in log
    assert "Traceback" not in log
    assert Membership.objects.count() == 3
