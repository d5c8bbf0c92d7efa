"""Notifications of mentions, replies, members and invitations: once, and only to the right users."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core import mail

from apps.chat import services, tasks
from apps.chat.events import LanguageChanged, MemberAdded, MessageNoticed, PersonInvited, RoomDeleted
from apps.chat.models import Invitation, Membership, Role
from apps.chat.tests.callers import new_caller
from apps.chat.tests.factories import RoomFactory
from apps.common.events import Event
from apps.common.testing.events import tasks_of
from apps.notifications import services as notifications
from apps.notifications.models import Notification

pytestmark = pytest.mark.django_db


def test_mentioned_and_answered_members_are_notified_once() -> None:
    room = RoomFactory.create(slug="moor", name="The Moor")
    ada, grace, linus = (
        new_caller(room, name="Ada"),
        new_caller(room, name="Grace"),
        new_caller(room, name="Linus"),
    )
    asked = grace.say(room, "Who comes?").json()
    text = f"<@{grace.id}> <@{linus.id}> <@{ada.id}> and " + "x" * 300
    said = ada.say(room, text, reply_to=asked["id"]).json()
    for _ in range(2):
        tasks.tell_of_message(room_id=str(room.pk), message_id=said["id"])
    told = {one.user_id: one for one in Notification.objects.all()}
    assert set(told) == {grace.user.pk, linus.user.pk}
    one = told[linus.user.pk]
    assert (one.kind, one.title, one.link) == (
        "chat.mention",
        "Ada mentioned you in The Moor",
        "/#/rooms/moor",
    )
    assert one.body == ("@Grace @Linus @Ada and " + "x" * 300)[:199] + "…"
    assert one.data == {"room": "moor", "message": said["id"], "seq": 2}
    answer = ada.say(room, "I do", reply_to=asked["id"]).json()
    assert services.notify_of_message(room_id=room.pk, message_id=UUID(answer["id"])) == 1
    newest = Notification.objects.get(user=grace.user, seq=2)
    assert (newest.kind, newest.title) == ("chat.reply", "Ada replied to you in The Moor")


def test_mentions_over_the_rate_limit_notify_no_member(settings: Any) -> None:
    settings.CHAT_LIMITS = settings.CHAT_LIMITS | {"notices": ("1/hour",)}
    room = RoomFactory.create()
    ada, grace = new_caller(room), new_caller(room)
    for expected in (1, 0):
        said = ada.say(room, f"<@{grace.id}>").json()
        assert services.notify_of_message(room_id=room.pk, message_id=UUID(said["id"])) == expected
    assert said["mentions"] == [{"user": grace.id, "name": grace.user.name}]
    assert Notification.objects.count() == 1


def test_notifications_that_name_an_erased_user_are_deleted() -> None:
    room = RoomFactory.create()
    ada, grace = new_caller(room, name="Ada Lovelace"), new_caller(room)
    for who in (ada, grace):
        said = who.say(room, f"<@{ada.id}> <@{grace.id}>").json()
        services.notify_of_message(room_id=room.pk, message_id=UUID(said["id"]))
    assert Notification.objects.count() == 2
    notifications.forget_user(user_id=ada.user.pk)
    assert not Notification.objects.exists()


def test_former_members_and_deleted_messages_cause_no_notification() -> None:
    room = RoomFactory.create()
    ada, grace = new_caller(room), new_caller(room)
    said = ada.say(room, f"<@{grace.id}>").json()["id"]
    Membership.objects.filter(user=grace.user).delete()
    assert services.notify_of_message(room_id=room.pk, message_id=UUID(said)) == 0
    Membership.objects.create(room=room, user=grace.user)
    ada("DELETE", f"rooms/{room.slug}/messages/{said}/")
    assert services.notify_of_message(room_id=room.pk, message_id=UUID(said)) == 0
    assert services.notify_of_message(room_id=room.pk, message_id=uuid4()) == 0
    assert not Notification.objects.exists()


def test_invited_accounts_are_notified_and_addresses_get_a_mail() -> None:
    room = RoomFactory.create(is_private=True, name="Cellar")
    owner, ada, grace = new_caller(room, Role.OWNER, name="Olga"), new_caller(), new_caller()
    for body in (
        {"email": ada.user.email},
        {"email": "nobody@example.org"},
        {"user": grace.id},
        {"user": str(uuid4())},
    ):
        owner("POST", f"rooms/{room.slug}/invitations/", body)
    for pk in [*Invitation.objects.values_list("pk", flat=True)] * 3:  # delivered repeatedly
        tasks.tell_of_invitation(invitation_id=str(pk))
    told = Notification.objects.values_list("user_id", "title")
    title = "Olga invites you into Cellar"
    assert dict(told) == {ada.user.pk: title, grace.user.pk: title}
    assert sorted(sent.to[0] for sent in mail.outbox) == sorted([ada.user.email, "nobody@example.org"])
    assert {sent.subject for sent in mail.outbox} == {title}
    tasks.tell_of_invitation(invitation_id=str(uuid4()))
    tasks.delete_expired()
    assert Invitation.objects.count() == 4


def test_an_added_member_is_notified_once_while_a_member() -> None:
    room = RoomFactory.create(name="Cellar")
    owner, ada = new_caller(room, Role.OWNER, name="Olga"), new_caller()
    owner("POST", f"rooms/{room.slug}/members/", {"user": ada.id})
    ids = {"room_id": str(room.pk), "user_id": ada.id, "actor_id": owner.id}
    for _ in range(2):
        tasks.tell_of_membership(**ids)
    told = Notification.objects.get()
    assert (told.user_id, told.kind, told.title) == (ada.user.pk, "chat.added", "Olga added you to Cellar")
    Membership.objects.filter(user=ada.user).delete()
    tasks.tell_of_membership(**ids)
    assert Notification.objects.count() == 1


@pytest.mark.parametrize(
    ("event", "task", "named"),
    [
        (MessageNoticed, "tell_of_message", ("room_id", "message_id")),
        (MemberAdded, "tell_of_membership", ("room_id", "user_id", "actor_id")),
        (PersonInvited, "tell_of_invitation", ("invitation_id",)),
        (LanguageChanged, "index_messages", ("room_id",)),
        (RoomDeleted, "retract_room", ("room_id",)),
    ],
)
def test_events_start_their_tasks(event: type[Event], task: str, named: tuple[str, ...]) -> None:
    ids = {name: uuid4() for name in named}
    assert tasks_of(event(**ids)) == {f"apps.chat.tasks.{task}": {name: str(ids[name]) for name in named}}
