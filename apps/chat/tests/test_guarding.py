"""Admission, removal and hostile clients: a close code or an error frame, never a traceback."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus

from apps.chat import protocol, services
from apps.chat.live import hub as hub_module
from apps.chat.live.hub import hubs
from apps.chat.models import MAX_ATTACHMENTS, Attachment, Membership, Message, Role
from apps.chat.tests.conftest import Site, wait_until
from apps.chat.tests.factories import RoomFactory, member_of
from apps.users.models import Session, SessionEnd
from apps.users.tests.factories import UserFactory, access_token_for
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
        said = wire.converse(site.port, handshake, enough=b"\r\n\r\n")
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


HOSTILE = [
    "",
    "null",
    "[]",
    '"text"',
    "7",
    "{",
    "\x00",
    '{"message": 5}',
    '{"message": null}',
    '{"message": ["a"]}',
    '{"message": "\\ud800"}',
    '{"message": "hi", "from": "someone else"}',
    '{"message": "hi", "room": "another"}',
    '{"message": "hi", "seq": 7}',
    '{"type": "ack", "seq": 1}',
    '{"type": "welcome"}',
    '{"type": "membership.ended"}',
    '{"type": ["message"], "message": "hi"}',
    '{"type": {}}',
    '{"type": 1e999}',
    '{"type": "read"}',
    '{"type": "read", "seq": -1}',
    '{"type": "read", "seq": true}',
    '{"type": "read", "seq": 1.5}',
    '{"type": "read", "seq": "1"}',
    '{"type": "read", "seq": 99999999999999999999999}',
    '{"message": "hi", "client_id": "{00000000-0000-0000-0000-000000000000}"}',
    '{"a":' * 2000 + "1" + "}" * 2000,
    "[" * 16000,
    '{"n": ' + "9" * 16000 + "}",
]


@pytest.mark.parametrize("frames", [HOSTILE[:16], HOSTILE[16:]])
def test_invalid_frames_are_refused_and_the_socket_stays_open(site: Site, frames: list[str]) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    socket = site.inside(room.slug, ada)
    for text in frames:
        socket.connection.send(text)
        frame = socket.frame()
        assert (frame["type"], frame["code"]) == ("error", "invalid_frame"), text
    socket.connection.send(b"\x00\xff binary")
    assert socket.frame()["code"] == "invalid_frame"
    assert not Message.objects.exists()
    socket.say("still here")
    assert socket.next("ack")["seq"] == 1


ID = "6F1C2D3E-4B5A-4C6D-8E7F-0A1B2C3D4E5F"


@pytest.mark.parametrize(
    ("frame", "client_id"),
    [
        (f'{{"message": "hi", "client_id": "{ID}", "room": "another"}}', ID),
        (f'{{"message": 5, "client_id": "{ID}"}}', ID),
        (f'{{"type": "nothing", "client_id": "{ID}"}}', ID),
        (f'{{"type": 5, "client_id": "{ID.lower()}"}}', ID.lower()),
        (f'{{"message": "x", "client_id": "{ID}", "reply_to": 5}}', ID),
        (f'{{"message": "x", "client_id": "{ID}", "attachments": "x"}}', ID),
        (f'{{"message": "\\ud800", "client_id": "{ID}"}}', ID),
        (f'{{"client_id": "{ID}", "message": "\\udfff\\ud83d"}}', ID),
        (f'{{"client_id": "{ID}", "message": "cut off', ID),
        (f'{{"message": "a", "client_id": "{ID}"', ID),
        (f'{{"message": NaN, "client_id": "{ID}"}}', ID),
        (f'{{"message": "tab\tinside", "client_id" :"{ID}"}}', ID),
        (f'{{"message": "\\"client_id\\": \\"no\\"", "client_id": "{ID}", }}', ID),
        ('{"message": "hi", "client_id": "not a uuid"}', "not a uuid"),
        ('{"message": "hi", "client_id": "ж"}', "ж"),
        ('{"message": "hi", "client_id": 5}', None),
        ('{"message": "hi", "client_id": ""}', None),
        (f'{{"message": "hi", "client_id": "{"x" * 65}"}}', None),
        ('{"message": "hi", "client_id": "\\ud800"}', None),
        ("[]", None),
        ("{", None),
    ],
)
def test_an_error_names_the_client_id_of_the_frame(site: Site, frame: str, client_id: str | None) -> None:
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    for sent in (frame, frame.encode()):
        socket.connection.send(sent)
        error = socket.frame()
        assert (error["type"], error["code"], error.get("client_id")) == ("error", "invalid_frame", client_id)
    assert not Message.objects.exists()


def test_a_client_id_is_returned_as_it_was_sent_on_sockets(site: Site) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    socket, other = site.inside(room.slug, ada), site.inside(room.slug, member_of(room))
    socket.say("hi", ID)
    assert [socket.next("ack", "message")["client_id"] for _ in range(2)] == [ID, ID]
    assert other.next("message")["client_id"] == ID
    socket.say("hi", ID.lower())  # the same message
    ack = socket.next("ack", "message")
    assert (ack["type"], ack["client_id"], ack["seq"]) == ("ack", ID.lower(), 1)
    socket.say("", ID)
    assert socket.next("error")["client_id"] == ID
    for spelling in (ID, ID.lower()):  # in one group, perhaps
        socket.say("again", spelling)
    assert [socket.next("ack")["client_id"] for _ in range(2)] == [ID, ID.lower()]
    assert Message.objects.count() == 1
    replayed = site.inside(room.slug, ada, after=0).frame()
    assert (replayed["type"], replayed["client_id"]) == ("message", ID)


@pytest.mark.parametrize("spelling", ["urn:" + ID.replace("-", ""), "-" * 4 + ID.replace("-", "")])
def test_a_client_id_in_another_form_than_that_of_uuids_is_refused(site: Site, spelling: str) -> None:
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    socket.say("hi", spelling)
    error = socket.frame()
    assert (error["type"], error["code"], error["client_id"]) == ("error", "invalid_frame", spelling)
    assert not Message.objects.exists()


def worst_spelling(text: str) -> str:
    """Every character as an upper-case UTF-16 escape."""
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[n]:02X}{units[n + 1]:02X}" for n in range(0, len(units), 2))


@pytest.mark.parametrize("sign", ["x", "ж", "中", "😀"])
def test_four_thousand_characters_are_accepted_in_any_json_spelling(site: Site, sign: str) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    socket = site.inside(room.slug, ada)
    for spell in (str, lambda text: json.dumps(text)[1:-1], worst_spelling):
        socket.connection.send(f'{{"message": "{spell(sign * 4000)}"}}')
        assert socket.next("message", "error")["message"] == sign * 4000
        client_id = str(uuid4())
        socket.connection.send(f'{{"message": "{spell(sign * 4001)}", "client_id": "{client_id}"}}')
        error = socket.next("message", "error")
        assert (error["code"], error["client_id"]) == ("invalid_message", client_id)
    files = [
        Attachment.objects.create(room=room, uploader=ada, file="x", name="x", type="text/plain", size=1)
        for _ in range(MAX_ATTACHMENTS)
    ]
    named = {
        "type": "message",
        "message": sign * 4000,
        "client_id": str(uuid4()).upper(),
        "reply_to": str(Message.objects.order_by("seq")[0].pk),
    }
    members = [f'"{worst_spelling(name)}": "{worst_spelling(value)}"' for name, value in named.items()]
    ids = ", ".join(f'"{worst_spelling(str(file.pk))}"' for file in files)
    frame = f'{{{", ".join(members)}, "{worst_spelling("attachments")}": [{ids}]}}'
    assert len(frame.encode()) <= protocol.MAX_FRAME
    socket.connection.send(frame)
    taken = socket.next("message", "error")
    assert (taken["message"], len(taken["attachments"])) == (sign * 4000, MAX_ATTACHMENTS)


def test_frame_over_the_limit_closes_with_1009(site: Site) -> None:
    room = RoomFactory.create()
    for sent in ("x" * (protocol.MAX_FRAME + 1), "ж" * (protocol.MAX_FRAME // 2 + 1), b"x" * 60_000):
        socket = site.inside(room.slug, member_of(room))
        socket.connection.send(sent)
        assert socket.close_code() == 1009
    largest = site.inside(room.slug, member_of(room))
    padding = " " * (protocol.MAX_FRAME - len('{"type":"ping"}'))
    largest.connection.send('{"type":"ping"}' + padding)
    assert largest.frame() == {"type": "pong"}


def test_invalid_utf_8_closes_with_1007_and_is_not_logged(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    room = RoomFactory.create()
    for text in (b"\xff", b'{"message": "\xc3"}', b"\xed\xa0\x80"):
        socket = site.inside(room.slug, member_of(room))
        caplog.clear()
        socket.connection.send(text, text=True)
        assert socket.close_code() == 1007
        wait_until(lambda: not any(hub.sockets for hub in hubs.list_all()))
        assert [one.getMessage() for one in caplog.records if "UTF-8" in one.getMessage()] == []


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
