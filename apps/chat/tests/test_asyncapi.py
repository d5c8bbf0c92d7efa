"""A conversation on a running server matches the AsyncAPI document in both directions and uses every frame."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from jsonschema import Draft202012Validator

from apps.chat import asyncapi, services
from apps.chat.models import Role
from apps.chat.tests.conftest import Site, Socket
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common.sockets import close_codes, handshake
from apps.common.testing.users import UserFactory, access_token_for, bearer
from infrastructure.product import PRODUCT

DOCUMENT = asyncapi.document()
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
SENT = {
    name.rpartition("/")[2] for name in (one["$ref"] for one in DOCUMENT["operations"]["say"]["messages"])
}
RECEIVED = set(MESSAGES) - SENT


def faults(frame: Any, name: str) -> list[str]:
    checker = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(MESSAGES[name]["payload"], format_checker=checker)
    return [error.message for error in validator.iter_errors(frame)]


def names_of(frame: Any, among: set[str]) -> list[str]:
    return [name for name in sorted(among) if not faults(frame, name)]


def test_the_document_is_complete() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT["channels"]["room"]["messages"]) == set(MESSAGES)
    for name, message in MESSAGES.items():
        Draft202012Validator.check_schema(message["payload"])
        assert message["examples"], name
        for example in message["examples"]:
            assert faults(example["payload"], name) == []
    refs = _refs(DOCUMENT)
    assert refs
    for ref in refs:
        place: Any = DOCUMENT
        for part in ref.removeprefix("#/").split("/"):
            place = place[part]
    codes = {str(value) for value in vars(close_codes).values() if type(value) is int}
    assert DOCUMENT["x-close-codes"].keys() == codes


def _refs(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [
            *([node["$ref"]] if "$ref" in node else []),
            *(ref for one in node.values() for ref in _refs(one)),
        ]
    return [ref for one in node for ref in _refs(one)] if isinstance(node, list) else []


class Recorder:
    """Sends frames of the document, and records received frames by their names in it."""

    def __init__(self) -> None:
        self.sent: set[str] = set()
        self.told: defaultdict[str, list[Any]] = defaultdict(list)

    def send(self, socket: Socket, **frame: Any) -> None:
        (name,) = names_of(frame, SENT)
        self.sent.add(name)
        socket.send(**frame)

    def until(self, socket: Socket, kind: str) -> Any:
        while True:
            frame = socket.frame()
            found = names_of(frame, RECEIVED)
            assert len(found) == 1, (frame, found)
            self.told[found[0]].append(frame)
            if frame["type"] == kind:
                return frame


def test_a_conversation_matches_the_document_and_uses_all_of_it(site: Site) -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room, Role.OWNER, name="Ada"), member_of(room, name="Grace")
    recorder = Recorder()
    here, there = site.enter(room.slug, ada), None
    recorder.until(here, "welcome")
    there = site.enter(room.slug, grace)
    recorder.until(there, "welcome")
    recorder.until(here, "presence")
    recorder.send(there, message=f"hi <@{ada.pk}>")
    first = recorder.until(there, "message")
    recorder.send(here, type="message", message="hello", reply_to=first["id"])
    recorder.until(here, "ack")
    second = recorder.until(here, "message")
    recorder.send(there, type="typing")
    recorder.until(here, "typing")
    recorder.send(there, type="read", seq=1)
    recorder.until(here, "read")
    recorder.send(here, type="ping")
    recorder.until(here, "pong")
    here.send(message="")
    recorder.until(here, "error")
    here.send(type="nothing")
    recorder.until(here, "error")
    services.edit_message(actor_id=ada.pk, slug=room.slug, message_id=second["id"], text="hello!")
    recorder.until(here, "edited")
    services.delete_message(actor_id=ada.pk, slug=room.slug, message_id=second["id"])
    recorder.until(here, "deleted")
    services.push_event(slug=room.slug, name="deploy.finished", data={"version": "1.2"})
    recorder.until(here, "event")
    until = timezone.now() + timedelta(minutes=5)
    services.mute_member(actor_id=ada.pk, slug=room.slug, user_id=grace.pk, until=until)
    recorder.until(there, "member")
    recorder.send(there, message="silenced")
    assert "until" in recorder.until(there, "error")
    late = site.enter(room.slug, ada, after=0)
    recorder.until(late, "welcome")
    assert recorder.until(late, "message")["mentions"] == [{"user": str(ada.pk), "name": "Ada"}]
    assert recorder.until(late, "message")["deleted"] is True
    assert recorder.sent == SENT
    assert set(recorder.told) == RECEIVED


@pytest.mark.parametrize(
    ("offered", "chosen", "code"),
    [
        (["chat.v1", "bearer", "{token}"], "chat.v1", None),
        (["chat.v2", "chat.v1", "bearer", "{token}"], "chat.v1", None),
        (["bearer", "{token}"], "bearer", None),
        (["chat.v2", "bearer", "{token}"], "bearer", 4406),
        (["chat.v2"], None, 4406),
    ],
)
def test_the_version_is_negotiated_by_subprotocol(
    site: Site, offered: list[str], chosen: str | None, code: int | None
) -> None:
    room = RoomFactory.create()
    token = access_token_for(member_of(room))
    socket = site.handshake(room.slug, subprotocols=[one.format(token=token) for one in offered])
    assert socket.connection.subprotocol == chosen
    if code is None:
        assert socket.frame()["type"] == "welcome"
    else:
        assert socket.close_code() == code


@pytest.mark.parametrize(
    ("offered", "chosen", "code"),
    [
        (["acme.chat.v1", "bearer", "{token}"], "acme.chat.v1", None),
        (["acme.chat.v1", "chat.v1", "bearer", "{token}"], "chat.v1", None),
        (["acme.chat.v0", "bearer", "{token}"], "bearer", 4406),
        (["other.chat.v1", "bearer", "{token}"], "bearer", None),
    ],
)
def test_a_subprotocol_of_an_earlier_release_is_accepted(
    site: Site, monkeypatch: pytest.MonkeyPatch, offered: list[str], chosen: str, code: int | None
) -> None:
    monkeypatch.setattr(handshake, "PRODUCT", replace(PRODUCT, formerly=("acme",)))
    test_the_version_is_negotiated_by_subprotocol(site, offered, chosen, code)


@pytest.mark.django_db
def test_the_document_is_served_with_those_of_rest(client: Client) -> None:
    path, user = "/api/private/chat/asyncapi", bearer(UserFactory.create())
    assert client.get(f"{path}.json").status_code == 401
    served = client.get(f"{path}.json", headers=user)
    assert served.status_code == 200
    assert json.loads(served.content) == json.loads(json.dumps(DOCUMENT))
    assert served.headers["Content-Disposition"] == 'inline; filename="chat.asyncapi.json"'
    again = client.get(f"{path}.json", headers={**user, "If-None-Match": served.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{path}.yaml", headers=user).content.startswith(b"asyncapi: 3.0.0")
    assert client.get("/api/public/chat/asyncapi.yaml", headers=user).status_code == 404
