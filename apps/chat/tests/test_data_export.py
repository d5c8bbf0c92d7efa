"""Messages in the data export, and at erasure."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.chat import data_export, services
from apps.chat.models import Attachment, Membership, Message, Role
from apps.chat.tests.factories import RoomFactory, member_of
from apps.chat.types import Draft
from apps.common.testing.users import PASSWORD, bearer

pytestmark = pytest.mark.django_db
ROOT = "/api/private/v1/"


def test_rooms_and_messages_are_exported() -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room, Role.OWNER), member_of(room)
    services.post_messages(
        room_id=room.pk,
        drafts=[Draft(sender_id=one.pk, text=f"from {one.name}") for one in (ada, grace, ada)],
    )
    found: Any = {name: list(rows) for name, rows in data_export.export(ada.pk).items()}
    assert [(row["room_slug"], row["role"]) for row in found["rooms"]] == [(room.slug, "owner")]
    assert [(row["seq"], row["text"]) for row in found["messages"]] == [
        (1, f"from {ada.name}"),
        (3, f"from {ada.name}"),
    ]
    assert (found["files"], found["invitations_sent"]) == ([], [])
    whole: Any = Client().get(f"{ROOT}users/me/export/", headers=bearer(ada))
    assert json.loads(b"".join(whole.streaming_content))["chat"]["rooms"][0]["room_slug"] == room.slug


def test_content_is_deleted_on_request(relay: Callable[[], Any], settings: Any) -> None:
    settings.ERASURE_GRACE = timedelta(0)
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    drafts = [Draft(sender_id=ada.pk, text=f"gone {n}") for n in range(3)]
    services.post_messages(room_id=room.pk, drafts=[*drafts, Draft(sender_id=grace.pk, text="stays")])
    file = Attachment.objects.create(room=room, uploader=ada, file="x", name="x", type="text/plain", size=1)
    body = {"current_password": PASSWORD, "with_content": True}
    call: dict[str, Any] = {"content_type": "application/json", "headers": bearer(ada)}
    assert Client().delete(f"{ROOT}users/me/", body, **call).status_code == 204
    relay()
    shown = Client().get(f"{ROOT}chat/rooms/{room.slug}/messages/", headers=bearer(grace)).json()["results"]
    assert [(row["message"], row["deleted"]) for row in shown] == [("", True)] * 3 + [("stays", False)]
    assert not Attachment.objects.filter(pk=file.pk, discarded_at=None).exists()
    assert services.delete_messages_of(user_id=ada.pk) == 0


def test_erasure_ends_memberships_and_keeps_messages(relay: Callable[[], Any], settings: Any) -> None:
    settings.ERASURE_GRACE = timedelta(0)
    room = RoomFactory.create()
    ada, grace = member_of(room, Role.OWNER), member_of(room)
    services.post_messages(room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text="stays")])
    assert (
        Client()
        .delete(
            f"{ROOT}users/me/",
            {"current_password": PASSWORD},
            content_type="application/json",
            headers=bearer(ada),
        )
        .status_code
        == 204
    )
    relay()
    assert list(Membership.objects.values_list("user_id", "role")) == [(grace.pk, Role.OWNER)]
    shown = Client().get(f"{ROOT}chat/rooms/{room.slug}/messages/", headers=bearer(grace)).json()["results"]
    said = [row for row in shown if row["message"] == "stays"]
    assert [row["from_name"] for row in said] == ["Deleted account"]
    assert Message.objects.filter(sender_id=ada.pk, text="stays").count() == 1
