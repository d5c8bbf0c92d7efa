"""Hostile and unusual frames: an error frame or a close code, never a traceback."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest

from apps.chat import protocol
from apps.chat.live.hub import hubs
from apps.chat.models import MAX_ATTACHMENTS, Attachment, Message
from apps.chat.tests.conftest import Site
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common.testing.waiting import wait_until


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No client causes an error in the log."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


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
