"""Admission, removal and limits: a close code, never a traceback."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus

from apps.chat import services
from apps.chat.live import hub as hub_module
from apps.chat.live.hub import hubs
from apps.chat.models import Membership, Role
from apps.chat.tests.conftest import Site
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common.testing.users import UserFactory, access_token_for
from apps.common.testing.waiting import wait_until
from apps.users.models import Session, SessionEnd
from infrastructure import realtime
from infrastructure.cache import redis
from infrastructure.product import PRODUCT
from infrastructure.server.tests import frames as wire
from infrastructure.server.tests import raw_requests


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No client causes an error in the log."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer ", "Bearer x.y.z", "Basic YTpi", "Bearer " + "a" * 5000]
)
def test_an_invalid_token_closes_with_4401(site: Site, authorization: str | None) -> None:
    room = RoomFactory.create()
    headers = {} if authorization is None else {"Authorization": authorization}
    assert site.handshake(room.slug, additional_headers=headers).close_code() == 4401


def test_an_ended_session_and_an_inactive_account_close_with_4401(site: Site) -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    tokens = [access_token_for(ada), access_token_for(grace)]
    Session.objects.filter(user=ada).update(ended_at=timezone.now(), end_reason=SessionEnd.LOGOUT)
    type(grace).objects.filter(pk=grace.pk).update(is_active=False)
    for token in tokens:
        assert site.handshake(room.slug, subprotocols=["bearer", token]).close_code() == 4401


def test_invalid_tokens_are_rate_limited(site: Site, settings: Any) -> None:
    settings.SOCKET_REFUSED_RATES = ("2/minute",)
    redis.client().delete(f"{PRODUCT.slug}:rate:sockets:refused:address:127.0.0.1")
    room = RoomFactory.create()
    ada = member_of(room)
    codes = [site.handshake(room.slug, subprotocols=["bearer", f"x{n}"]).close_code() for n in range(3)]
    assert codes == [4401, 4401, 4429]
    # A valid token is admitted.
    assert site.enter(room.slug, ada).frame()["type"] == "welcome"
    redis.client().delete(f"{PRODUCT.slug}:rate:sockets:refused:address:127.0.0.1")


def test_hostile_handshakes_are_answered(site: Site) -> None:
    for name, handshake in raw_requests.handshakes_to("/ws/chat/lobby/").items():
        said = wire.converse(site.port, handshake, enough=wire.has_head)
        assert int(said.split(b" ", 2)[1]) < 500, name


def test_rooms_of_others_close_with_their_codes(site: Site) -> None:
    public, private = RoomFactory.create(), RoomFactory.create(is_private=True)
    stranger = UserFactory.create()
    assert site.enter(public.slug, stranger).close_code() == 4403
    assert site.enter(private.slug, stranger).close_code() == 4404
    for slug in ("nowhere", "UPPER", "%00", "..", "a" * 500, "%E2%98%83"):
        assert site.enter(slug, stranger).close_code() == 4404, slug
    assert site.enter(private.slug, member_of(private)).frame()["type"] == "welcome"


@pytest.mark.parametrize(
    ("origin", "host", "is_admitted"),
    [
        ("http://127.0.0.1:8000", None, True),  # PUBLIC_URL
        ("http://localhost:1234", "localhost:1234", True),  # the page's own host
        ("https://evil.example", None, False),
        ("null", None, False),
        ("http://evil.example", "evil.example", False),  # a foreign name that resolves to this host
        ("http://localhost.evil.example", "localhost", False),
    ],
)
def test_pages_of_other_origins_open_no_socket(
    site: Site, origin: str, host: str | None, is_admitted: bool
) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    options: dict[str, Any] = {
        "additional_headers": {"Authorization": f"Bearer {access_token_for(ada)}"},
        "origin": origin,
        "sock": socket.create_connection(("127.0.0.1", site.port)),
    }
    if host is not None:
        site.host = host
    if is_admitted:
        assert site.handshake(room.slug, **options).frame()["type"] == "welcome"
    else:
        with pytest.raises(InvalidStatus) as refused:
            site.handshake(room.slug, **options)
        assert refused.value.response.status_code == 403


def test_origins_of_the_cors_setting_are_admitted(site: Site, settings: Any) -> None:
    settings.CORS_ZONE_ORIGINS = ("https://app.example",)
    room = RoomFactory.create()
    ada = member_of(room)
    assert site.enter(room.slug, ada, origin="https://app.example").frame()["type"] == "welcome"


def test_sockets_of_one_user_are_limited(site: Site, settings: Any) -> None:
    settings.CHAT_SOCKETS_PER_USER = 2
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    first, _ = site.inside(room.slug, ada), site.inside(room.slug, ada)
    assert site.enter(room.slug, ada).close_code() == 4409
    site.inside(room.slug, grace)
    first.connection.close()
    wait_until(lambda: sum(hub.count_of(ada.pk) for hub in hubs.list_all()) == 1)
    assert site.enter(room.slug, ada).frame()["type"] == "welcome"


def test_sockets_of_one_address_are_limited(site: Site, settings: Any) -> None:
    settings.CHAT_SOCKETS_PER_ADDRESS = 2
    room = RoomFactory.create()
    for _ in range(2):
        site.inside(room.slug, member_of(room))
    assert site.enter(room.slug, member_of(room)).close_code() == 4409
    assert site.handshake(room.slug).close_code() == 4409  # before any query


def test_too_many_frames_close_the_socket(site: Site, settings: Any) -> None:
    settings.CHAT_FRAMES_PER_SECOND = 2
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    with suppress(ConnectionClosed):  # before all of them are on the way
        for _ in range(20):
            socket.send(type="ping")
    assert socket.close_code() == 4429


def test_rooms_are_isolated(site: Site) -> None:
    one, other = RoomFactory.create(), RoomFactory.create()
    ada = member_of(one)
    Membership.objects.create(room=other, user=ada)
    here, there = site.inside(one.slug, ada), site.inside(other.slug, ada)
    here.say("only here")
    here.send(type="typing")
    here.next("message")
    assert there.is_quiet()


def test_sockets_of_a_removed_member_are_closed_at_once(site: Site) -> None:
    room = RoomFactory.create()
    owner, ada = member_of(room, Role.OWNER), member_of(room)
    watcher, socket = site.inside(room.slug, owner), site.inside(room.slug, ada)
    assert watcher.next("presence")["online"] is True
    services.remove_member(actor_id=owner.pk, slug=room.slug, user_id=ada.pk)
    assert socket.close_code(timeout=1) == 4403
    assert watcher.next("presence")["online"] is False
    watcher.say("alone")
    assert watcher.next("ack")["seq"] == 1


def test_deleted_room_closes_with_4404(site: Site) -> None:
    room = RoomFactory.create()
    owner = member_of(room, Role.OWNER)
    socket = site.inside(room.slug, owner)
    services.delete_room(actor_id=owner.pk, slug=room.slug)
    assert socket.close_code(timeout=1) == 4404


def test_an_ended_session_closes_only_its_sockets(site: Site) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    first, second = site.inside(room.slug, ada), site.inside(room.slug, ada)
    ended = Session.objects.filter(user=ada).order_by("created_at").first()
    assert ended is not None
    realtime.publish(f"session:{ended.pk}", {"type": "session.ended"})
    assert first.close_code(timeout=2) == 4408
    second.send(type="ping")
    assert second.next("pong")


def test_a_push_reaches_all_sockets_of_a_user(site: Site) -> None:
    rooms = [RoomFactory.create(), RoomFactory.create()]
    ada, grace = member_of(rooms[0]), member_of(rooms[0])
    Membership.objects.create(room=rooms[1], user=ada)
    mine = [site.inside(room.slug, ada) for room in rooms]
    other = site.inside(rooms[0].slug, grace)
    realtime.push_to_user(ada.pk, {"type": "notification", "text": "hello"})
    for one in mine:
        assert one.next("notification") == {"type": "notification", "text": "hello"}
    realtime.push_to_room(rooms[0].pk, {"type": "announcement", "text": "all"})
    assert other.next("announcement", "notification") == {"type": "announcement", "text": "all"}


@pytest.mark.campaign
def test_the_sweep_finds_what_redis_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    room, doomed = RoomFactory.create(), RoomFactory.create()
    leaver, sleeper, owner = member_of(room), member_of(room), member_of(doomed)
    left, signed_out = site.inside(room.slug, leaver), site.inside(room.slug, sleeper)
    roomless = site.inside(doomed.slug, owner)
    begun = time.monotonic()
    Membership.objects.filter(user=leaver).delete()
    Session.objects.filter(user=sleeper).update(ended_at=timezone.now(), end_reason=SessionEnd.LOGOUT)
    doomed.delete()
    assert left.close_code(timeout=5) == 4403
    assert signed_out.close_code(timeout=5) == 4408
    assert roomless.close_code(timeout=5) in (4403, 4404)
    assert time.monotonic() - begun < 5
    assert hub_module.SWEEP_EVERY <= 4
