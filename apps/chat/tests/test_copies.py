"""Notifications that quote messages follow edits and deletions, and the right to read them."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.db import connection, transaction

from apps.chat import services
from apps.chat.models import Membership, Role, Room
from apps.chat.tests.callers import Caller, new_caller
from apps.chat.tests.factories import RoomFactory
from apps.common.models import OutboxEvent
from apps.notifications import services as notifications
from apps.notifications.models import Notification

pytestmark = pytest.mark.django_db


def mentioned(room: Room, by: Caller, *who: Caller, text: str = "the secret") -> str:
    """Post a message that mentions users, and notify them. Returns its id."""
    id_: str = by.say(room, " ".join(f"<@{one.id}>" for one in who) + f" {text}").json()["id"]
    assert services.notify_of_message(room_id=room.pk, message_id=UUID(id_)) == len(who)
    return id_


def read(who: Caller) -> list[str]:
    """Returns the bodies in the list of notifications, after comparing it with the count."""
    listed = who.call("GET", "/api/private/v1/notifications/").json()["results"]
    summary = who.call("GET", "/api/private/v1/notifications/summary/").json()
    assert summary["unread"] == len(listed)
    return [one["body"] for one in listed]


def digest(who: Caller) -> str:
    mail.outbox.clear()
    notifications.send_digest(user_id=who.user.pk)
    return "".join(one.message().as_string() for one in mail.outbox)


def by_sender(ada: Caller, grace: Caller, room: Room, id_: str) -> None:
    assert ada("DELETE", f"rooms/{room.slug}/messages/{id_}/").status_code == 204


def by_moderator(ada: Caller, grace: Caller, room: Room, id_: str) -> None:
    assert new_caller(room, Role.OWNER)("DELETE", f"rooms/{room.slug}/messages/{id_}/").status_code == 204


def by_leaving(ada: Caller, grace: Caller, room: Room, id_: str) -> None:
    assert grace("POST", f"rooms/{room.slug}/leave/").status_code == 204


def by_removal(ada: Caller, grace: Caller, room: Room, id_: str) -> None:
    owner = new_caller(room, Role.OWNER)
    assert owner("DELETE", f"rooms/{room.slug}/members/{grace.id}/").status_code == 204


def by_ban(ada: Caller, grace: Caller, room: Room, id_: str) -> None:
    owner = new_caller(room, Role.OWNER)
    assert owner("POST", f"rooms/{room.slug}/bans/", {"user": grace.id}).status_code == 201


def by_deleting_the_room(ada: Caller, grace: Caller, room: Room, id_: str) -> None:
    assert new_caller(room, Role.OWNER)("DELETE", f"rooms/{room.slug}/").status_code == 204
    assert OutboxEvent.objects.filter(name="chat.room_deleted").exists()
    services.retract_room(room_id=room.pk)


def by_erasure(ada: Caller, grace: Caller, room: Room, id_: str) -> None:
    notifications.forget_user(user_id=ada.user.pk)


def by_an_edit(ada: Caller, grace: Caller, room: Room, id_: str) -> None:
    answer = ada("PATCH", f"rooms/{room.slug}/messages/{id_}/", {"message": "to nobody"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "end",
    [
        by_sender,
        by_moderator,
        by_leaving,
        by_removal,
        by_ban,
        by_deleting_the_room,
        by_erasure,
        by_an_edit,
    ],
)
def test_a_quote_is_deleted_with_its_message_and_with_the_right_to_read_it(end: Any) -> None:
    room = RoomFactory.create(is_private=True)
    ada, grace = new_caller(room), new_caller(room)
    id_ = mentioned(room, ada, grace)
    assert read(grace) == [f"@{grace.user.name} the secret"]
    end(ada, grace, room, id_)
    assert read(grace) == []
    assert digest(grace) == ""


def test_a_quote_follows_an_edit_of_its_message() -> None:
    room = RoomFactory.create()
    ada, grace, linus = new_caller(room), new_caller(room), new_caller(room)
    id_ = mentioned(room, ada, grace, linus)
    answer = ada("PATCH", f"rooms/{room.slug}/messages/{id_}/", {"message": f"<@{grace.id}> nothing"})
    assert answer.status_code == 200
    assert read(grace) == [f"@{grace.user.name} nothing"]
    assert read(linus) == []
    assert "secret" not in digest(grace)


def test_an_edit_without_mentions_keeps_the_notification_of_a_reply() -> None:
    room = RoomFactory.create()
    ada, grace = new_caller(room), new_caller(room)
    asked = grace.say(room, "who?").json()["id"]
    id_ = ada.say(room, "me", reply_to=asked).json()["id"]
    services.notify_of_message(room_id=room.pk, message_id=UUID(id_))
    ada("PATCH", f"rooms/{room.slug}/messages/{id_}/", {"message": "not me"})
    assert read(grace) == ["not me"]


def test_notifications_of_other_users_and_rooms_are_kept() -> None:
    room, elsewhere = RoomFactory.create(), RoomFactory.create()
    ada, grace, linus = new_caller(room), new_caller(room), new_caller(room)
    Membership.objects.create(room=elsewhere, user=ada.user)
    Membership.objects.create(room=elsewhere, user=grace.user)
    mentioned(room, ada, grace, linus)
    mentioned(elsewhere, ada, grace, text="elsewhere")
    grace("POST", f"rooms/{room.slug}/leave/")
    assert read(grace) == [f"@{grace.user.name} elsewhere"]
    assert read(linus) == [f"@{grace.user.name} @{linus.user.name} the secret"]


def withdrawn(owner: Caller, grace: Caller, room: Room, id_: str) -> None:
    assert owner("DELETE", f"rooms/{room.slug}/invitations/{id_}/").status_code == 204


def accepted(owner: Caller, grace: Caller, room: Room, id_: str) -> None:
    assert grace("POST", f"invitations/{id_}/accept/").status_code == 200


def declined(owner: Caller, grace: Caller, room: Room, id_: str) -> None:
    assert grace("POST", f"invitations/{id_}/decline/").status_code == 204


def banned(owner: Caller, grace: Caller, room: Room, id_: str) -> None:
    assert owner("POST", f"rooms/{room.slug}/bans/", {"user": grace.id}).status_code == 201


@pytest.mark.parametrize("end", [withdrawn, accepted, declined, banned])
def test_the_notification_of_an_invitation_is_deleted_with_it(end: Any) -> None:
    room = RoomFactory.create()
    owner, grace = new_caller(room, Role.OWNER), new_caller()
    id_ = owner("POST", f"rooms/{room.slug}/invitations/", {"user": grace.id}).json()["id"]
    services.notify_of_invitation(invitation_id=UUID(id_))
    assert Notification.objects.filter(user=grace.user).count() == 1
    end(owner, grace, room, id_)
    assert not Notification.objects.filter(user=grace.user).exists()


@pytest.mark.django_db(transaction=True)
def test_a_message_deleted_during_notification_leaves_no_notification() -> None:
    room = RoomFactory.create()
    ada, grace = new_caller(room), new_caller(room)
    id_ = ada.say(room, f"<@{grace.id}> the secret").json()["id"]
    notified: list[int] = []

    def tell() -> None:
        notified.append(services.notify_of_message(room_id=room.pk, message_id=UUID(id_)))
        connection.close()

    with transaction.atomic():
        services.delete_message(actor_id=ada.user.pk, slug=room.slug, message_id=UUID(id_))
        thread = threading.Thread(target=tell)
        thread.start()
        thread.join(0.5)  # it waits for the row of the message
        assert notified == []
    thread.join(10)
    assert notified == [0]
    assert not Notification.objects.exists()
