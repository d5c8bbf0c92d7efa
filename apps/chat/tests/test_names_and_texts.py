"""Names of rooms and texts of messages are visible, whichever way they arrive."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from apps.chat import services
from apps.chat.exceptions import InvalidMessage
from apps.chat.models import Message, Role, Room
from apps.chat.tests.callers import new_caller, refused
from apps.chat.tests.conftest import Site
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common import text
from apps.common.testing.users import PASSWORD, AdminFactory

pytestmark = pytest.mark.django_db
NO_LINES = [
    "\u3164",
    "\u2800",
    "\u115f",
    "\uffa0",
    "\u0301\u0301",
    "\U000e0041",
    "Team\r\nBcc: x@example.com",
    "a\u2028b",
    "a\u202eb",
]
UNSEEN = [
    "\u3164",
    "\u2800\n\u2800",
    "\u115f",
    "\uffa0",
    "\u0301",
    "\U000e0041\U000e007f",
    "\u200b\ufeff",
    "\ufe0f",
]


def make_on_site(client: Client, name: str) -> Any:
    """Post the form of a new room with an owner."""
    boss = AdminFactory.create()
    client.post("/admin/login/?next=/admin/", {"username": boss.email, "password": PASSWORD})
    members = {"TOTAL_FORMS": "1", "INITIAL_FORMS": "0", "0-user": str(boss.pk), "0-role": "owner"}
    sent = {"slug": "other", "name": name, "language": "simple"}
    return client.post(
        "/admin/chat/room/add/", sent | {f"memberships-{name}": value for name, value in members.items()}
    )


@pytest.mark.parametrize("name", NO_LINES)
def test_rooms_have_names_of_one_visible_line(name: str, client: Client) -> None:
    room = RoomFactory.create(name="Moor")
    owner = new_caller(room, Role.OWNER)
    for answer in (
        owner("POST", "rooms/", {"name": name}),
        owner("POST", "rooms/", {"name": name, "slug": "moor"}),
        owner("PATCH", f"rooms/{room.slug}/", {"name": name}),
    ):
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == ["name"]
    with pytest.raises(text.InvalidLine):
        services.create_room(actor_id=owner.user.pk, name=name)
    assert make_on_site(client, name).status_code == 200  # the form again, with its errors
    assert list(Room.objects.values_list("name", flat=True)) == ["Moor"]


def test_the_admin_site_requires_visible_names(client: Client) -> None:
    assert make_on_site(client, " Größe ").status_code == 302
    assert Room.objects.get().name == "Größe"


@pytest.mark.parametrize("name", ["\u3164", "Team\r\nBcc: x@example.com", ""])
def test_the_database_requires_one_line_names(name: str) -> None:
    with pytest.raises(IntegrityError, match="chat_room_name_line"), transaction.atomic():
        Room.objects.create(slug="x", name=name)


@pytest.mark.parametrize("unseen", UNSEEN)
def test_messages_need_a_visible_character(unseen: str) -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    said = ada.say(room, "seen").json()["id"]
    refused(ada.say(room, unseen), 400, "invalid_message")
    refused(ada("PATCH", f"rooms/{room.slug}/messages/{said}/", {"message": unseen}), 400, "invalid_message")
    with pytest.raises(InvalidMessage):
        services.post_system_message(slug=room.slug, text=unseen)
    assert list(Message.objects.values_list("text", flat=True)) == ["seen"]


def test_invisible_messages_are_refused_on_sockets(site: Site) -> None:
    room = RoomFactory.create()
    socket = site.inside(room.slug, member_of(room))
    for unseen in UNSEEN:
        client_id = str(uuid4())
        socket.say(unseen, client_id)
        error = socket.next("error")
        assert (error["code"], error["client_id"]) == ("invalid_message", client_id)
    socket.say("seen")
    assert socket.next("ack")["seq"] == 1
    assert list(Message.objects.values_list("text", flat=True)) == ["seen"]
