"""Presence on real servers: crowds, crashes, two processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django_redis import get_redis_connection

from apps.chat.live import presence as presence_module
from apps.chat.live.presence_sync import PresenceSync
from apps.chat.tests.conftest import Site, Socket
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common.testing.waiting import wait_until
from infrastructure.product import PRODUCT

# On real servers.


def until(socket: Socket, users: set[str], expected: set[str]) -> None:
    """Read until exactly these users are known."""
    while users != expected:
        frame = socket.next("presence")
        assert frame["online"] is (frame["user"] not in users)
        (users.add if frame["online"] else users.discard)(frame["user"])


def ids(members: list[Any]) -> set[str]:
    return {str(one.pk) for one in members}


def test_presence_is_sent_again_when_a_crowd_shrinks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "LIMIT", 8)
    room = RoomFactory.create()
    members = [member_of(room) for _ in range(15)]
    watcher = site.enter(room.slug, members[0])
    users = {one["user"] for one in watcher.frame()["online"]}
    first = [site.inside(room.slug, one) for one in members[1:8]]
    until(watcher, users, ids(members[:8]))
    crowd = [site.inside(room.slug, one) for one in members[8:]]
    assert watcher.is_quiet("presence", seconds=1.5)
    assert len(site.enter(room.slug, members[0]).frame()["online"]) == 8
    for socket in [*first, *crowd[:3]]:
        socket.connection.close()
    until(watcher, users, ids([members[0], *members[11:]]))
    assert watcher.is_quiet("presence", seconds=0.5)


def test_users_of_a_crashed_process_expire(
    serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PresenceSync, "EVERY", 0.1)
    site = serve()
    room = RoomFactory.create()
    ada, ghost = member_of(room, name="Ada"), uuid4()
    socket = site.inside(room.slug, ada)
    key = f"{PRODUCT.slug}:present:{{{room.pk}}}"
    redis = get_redis_connection("default")
    wait_until(lambda: redis.scard(key) == 1)
    redis.set(f"{key}:crashed", b'1 {"%b":"Ghost"}' % str(ghost).encode(), px=600)
    redis.sadd(key, "crashed")
    came = {"type": "presence", "user": str(ghost), "name": "Ghost", "online": True}
    assert socket.next("presence") == came
    assert socket.next("presence") == {**came, "online": False}
    wait_until(lambda: redis.scard(key) == 1)
    assert 0 < redis.ttl(key) <= PresenceSync.LASTS * 4


def test_two_processes_exchange_presence(serve: Callable[[], Site]) -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    one, other = serve(), serve()
    watcher = one.inside(room.slug, ada)
    socket = other.enter(room.slug, grace)
    users = {one["user"] for one in socket.frame()["online"]}
    until(socket, users, ids([ada, grace]))
    watched = ids([ada])
    until(watcher, watched, ids([ada, grace]))
    socket.connection.close()
    until(watcher, watched, ids([ada]))
