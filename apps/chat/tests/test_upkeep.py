"""Upkeep of the hub: outages of the database, rooms without sockets, pending read marks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from apps.chat import protocol, selectors, services
from apps.chat.live import hub, writer
from apps.chat.live.hub import hubs
from apps.chat.models import Membership, Message, Room
from apps.chat.tests.conftest import Site
from apps.chat.tests.factories import MembershipFactory, RoomFactory, member_of
from apps.common.testing.waiting import wait_until
from infrastructure.database import budget
from infrastructure.realtime.bus import RedisBus


def failing(
    times: int, then: Callable[..., Any], error: type[Exception] = OperationalError
) -> Callable[..., Any]:
    """Fails a number of times, then calls `then`."""
    left = [times]

    def call(*args: Any, **kwargs: Any) -> Any:
        if left[0] > 0:
            left[0] -= 1
            raise error
        return then(*args, **kwargs)

    return call


def test_a_restart_of_the_database_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRIES", (0.01, 0.01, 0.01))
    monkeypatch.setattr(services, "store_in_rooms", failing(3, services.store_in_rooms))
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    socket.say("patience")
    assert socket.next("ack")["seq"] == 1
    assert Message.objects.get().text == "patience"


def test_an_outage_of_the_database_is_an_error_and_the_socket_stays_open(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRIES", (0.01,))
    store = services.store_in_rooms
    monkeypatch.setattr(services, "store_in_rooms", failing(99, store))
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    client_id = socket.say("lost?")
    error = socket.next("error")
    assert (error["code"], error["client_id"]) == ("unavailable", client_id)
    monkeypatch.setattr(services, "store_in_rooms", store)
    socket.say("lost?", client_id)
    assert socket.next("ack")["seq"] == 1


def test_a_locked_table_is_an_error_within_the_time_limit(
    serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "ANSWER", 0.3)
    site = serve()
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE chat_message IN ACCESS EXCLUSIVE MODE")
        for _ in range(2):
            client_id = socket.say("lost?")
            error = socket.next("error")
            assert (error["code"], error["client_id"]) == ("unavailable", client_id)
    monkeypatch.undo()
    # The server may have stored it after it got the lock; sent again, it is still one message.
    socket.say("lost?", client_id)
    assert socket.next("ack")["client_id"] == client_id
    assert Message.objects.filter(client_id=client_id).count() == 1


def test_a_bug_is_an_error_and_the_room_continues(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    # Once for the group, once for the room alone.
    monkeypatch.setattr(services, "store_in_rooms", failing(2, services.store_in_rooms, ValueError))
    client_id = socket.say("broken")
    error = socket.next("error")
    assert (error["code"], error["client_id"]) == ("unavailable", client_id)
    assert len([one for one in caplog.records if "chat.store_broke" in one.getMessage()]) == 2
    socket.say("broken", client_id)
    assert socket.next("ack")["seq"] == 1


def test_an_error_of_one_room_does_not_affect_others(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    fine, broken = RoomFactory.create(), RoomFactory.create()
    ada = member_of(fine)
    MembershipFactory.create(room=broken, user=ada)
    here, there = site.inside(fine.slug, ada), site.inside(broken.slug, ada)
    store = services.store_in_rooms

    def store_all_but_one(*, drafts: Any) -> Any:
        if broken.pk in drafts:
            raise ValueError
        return store(drafts=drafts)

    monkeypatch.setattr(services, "store_in_rooms", store_all_but_one)
    for n in range(5):
        lost = there.say(f"{n}")
        here.say(f"{n}")
        assert there.next("error")["client_id"] == lost
        assert here.next("ack")["seq"] == n + 1


def test_a_failed_answer_is_an_error_and_the_room_continues(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    monkeypatch.setattr(protocol, "ack", failing(1, protocol.ack, ValueError))
    client_id = socket.say("stored, not acknowledged")
    error = socket.next("error")
    assert (error["code"], error["client_id"]) == ("unavailable", client_id)
    socket.say("stored, not acknowledged", client_id)
    assert socket.next("ack")["seq"] == 1
    assert Message.objects.count() == 1


def test_a_frame_that_fails_closes_its_socket_only(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    room = RoomFactory.create()
    one, other = site.inside(room.slug, member_of(room)), site.inside(room.slug, member_of(room))
    monkeypatch.setattr(protocol, "parse", failing(1, protocol.parse, ValueError))
    one.send(type="ping")
    assert one.close_code() == 1011
    other.send(type="ping")
    assert other.next("pong") == {"type": "pong"}


def test_readers_do_not_delay_writers(serve: Callable[[], Site]) -> None:
    site = serve()
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    over = threading.Event()
    try:
        for _ in range(settings.CHAT_DATABASE_THREADS):
            hubs.list_all()[-1].threads._pool.submit(over.wait, 20)
        socket.say("meanwhile")
        assert socket.next("ack")["seq"] == 1
    finally:
        over.set()


def test_a_locked_room_delays_no_other(serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRIES", (0.01,) * 60)
    site = serve()
    free, locked = RoomFactory.create(), RoomFactory.create()
    ada = member_of(free)
    MembershipFactory.create(room=locked, user=ada)
    here, there = site.inside(free.slug, ada), site.inside(locked.slug, ada)
    store = services.store_in_rooms

    def impatient(*, drafts: Any) -> Any:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = 50")
            return store(drafts=drafts)

    monkeypatch.setattr(services, "store_in_rooms", impatient)
    with transaction.atomic():
        Room.objects.select_for_update().get(pk=locked.pk)
        for n in range(10):
            there.say(f"later {n}")
            here.say(f"now {n}")
        assert [one["message"] for one in here.messages(10)] == [f"now {n}" for n in range(10)]
        assert there.is_quiet("ack", "message", seconds=0.1)
    assert [one["message"] for one in there.messages(10)] == [f"later {n}" for n in range(10)]


def test_a_room_deleted_during_posting_refuses_the_message(site: Site) -> None:
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    room.delete()
    client_id = socket.say("into the void")
    error = socket.next("error")
    assert (error["code"], error["client_id"]) == ("room_not_found", client_id)


def test_a_handshake_survives_a_broken_connection_and_an_outage_closes_with_1012(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    lookups = selectors.list_membership_lookups
    monkeypatch.setattr(selectors, "list_membership_lookups", failing(1, lookups))
    site.inside(room.slug, ada)
    monkeypatch.setattr(selectors, "list_membership_lookups", failing(2, lookups))
    assert site.enter(room.slug, ada).close_code() == 1012
    assert [record.levelno for record in caplog.records if "database_away" in record.getMessage()] == [
        logging.ERROR
    ]


def test_read_marks_wait_for_the_database(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    socket = site.inside(room.slug, ada)
    socket.say("x")
    socket.next("message")
    monkeypatch.setattr(services, "record_reads", failing(1, services.record_reads))
    socket.send(type="read", seq=1)
    wait_until(lambda: Membership.objects.get().read_seq == 1)


def test_the_sweep_continues_after_failures(
    serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "SWEEP_EVERY", 0.1)
    differences = selectors.get_differences
    monkeypatch.setattr(selectors, "get_differences", failing(2, failing(1, differences, ValueError)))
    site = serve()
    room = RoomFactory.create()
    ada = member_of(room)
    socket = site.inside(room.slug, ada)
    Membership.objects.all().delete()
    assert socket.close_code() == 4403


def test_rooms_without_sockets_are_freed(serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "SWEEP_EVERY", 0.1)
    site = serve()
    live = hubs.list_all()[-1]
    room = RoomFactory.create()
    ada = member_of(room)
    for n in (1, 2):
        monkeypatch.setattr(hub, "ROOM_LINGERS", 60)  # until a socket has entered and left
        socket = site.inside(room.slug, ada)
        socket.say("here")
        assert socket.next("ack")["seq"] == n
        assert len(live.feeds) == 1
        socket.connection.close()
        wait_until(lambda: not live.per_address)  # the last step of closing a socket
        monkeypatch.setattr(hub, "ROOM_LINGERS", 0)
        wait_until(lambda: not live.feeds and live._writer.is_idle(room.pk) and not live.sockets)
    assert (live._per_user, live._per_session, live.per_address) == ({}, {}, {})


def test_a_room_opens_although_redis_does_not_answer(
    serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(self: RedisBus, channel: str, listener: Any) -> None:
        self._listeners[channel] = listener

    monkeypatch.setattr(RedisBus, "subscribe", silent)
    monkeypatch.setattr(hub, "_OPEN_WITHIN", 0.05)
    site = serve()
    room = RoomFactory.create()
    services.post_system_message(slug=room.slug, text="before")
    socket = site.enter(room.slug, member_of(room))
    assert socket.frame()["seq"] == 1
    socket.say("after")
    assert socket.next("message")["seq"] == 2


def test_a_head_that_cannot_be_read_closes_the_entering_socket(
    serve: Callable[[], Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_OPEN_WITHIN", 0.05)
    heads = selectors.list_heads
    monkeypatch.setattr(selectors, "list_heads", failing(99, heads))
    site = serve()
    room = RoomFactory.create()
    ada = member_of(room)
    assert site.enter(room.slug, ada).close_code() == 1012
    monkeypatch.setattr(selectors, "list_heads", heads)
    assert site.enter(room.slug, ada).frame()["type"] == "welcome"
    live = hubs.list_all()[-1]
    live._subscribed(f"room:{uuid4()}")  # of a room that was freed meanwhile


@pytest.mark.django_db
def test_former_members_are_distinguished_from_members(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    one, other = RoomFactory.create(), RoomFactory.create()
    ada, grace = member_of(one), member_of(other)
    pairs = {(room.pk, member.pk) for room in (one, other) for member in (ada, grace)}
    with django_assert_num_queries(1):
        former = selectors.list_former_members(pairs=pairs)
    assert former == {(one.pk, grace.pk), (other.pk, ada.pk)}
    with django_assert_num_queries(0):
        assert selectors.list_former_members(pairs=[]) == set()
