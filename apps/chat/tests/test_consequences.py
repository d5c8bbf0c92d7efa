"""Erased accounts, read marks, permissions, the admin site and the demo data."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from apps.chat import demo, policies, services, tasks
from apps.chat.models import Membership, Message, Role, Room
from apps.chat.policies import Rank
from apps.chat.tests.factories import MembershipFactory, RoomFactory, member_of
from apps.chat.types import Draft
from apps.common.testing.events import tasks_of
from apps.common.testing.users import PASSWORD, AdminFactory
from apps.users import demo as users_demo
from apps.users.events import UserErased

pytestmark = pytest.mark.django_db


def test_rooms_of_an_erased_account_get_new_owners() -> None:
    to_moderator, to_eldest, kept, abandoned = (RoomFactory.create() for _ in range(4))
    gone = member_of(to_moderator, Role.OWNER)
    for room in (to_eldest, abandoned):
        Membership.objects.create(room=room, user=gone, role=Role.OWNER)
    Membership.objects.create(room=kept, user=gone)
    member_of(to_moderator)
    moderator = member_of(to_moderator, Role.MODERATOR)
    eldest = member_of(to_eldest)
    member_of(to_eldest)
    owner = member_of(kept, Role.OWNER)
    services.post_messages(room_id=kept.pk, drafts=[Draft(sender_id=gone.pk, text="stays")])
    for expected in (4, 0):
        assert services.forget_user(user_id=gone.pk) == expected
        owners = dict(Membership.objects.filter(role=Role.OWNER).values_list("room_id", "user_id"))
        assert owners == {to_moderator.pk: moderator.pk, to_eldest.pk: eldest.pk, kept.pk: owner.pk}
    assert not Room.objects.filter(pk=abandoned.pk).exists()
    assert Message.objects.get().sender_id == gone.pk


def test_an_erased_account_starts_the_task() -> None:
    user_id = uuid4()
    arguments = tasks_of(UserErased(user_id=user_id, with_content=True))["apps.chat.tasks.forget_user"]
    assert arguments == {"user_id": str(user_id), "with_content": True}
    member = MembershipFactory.create(role=Role.MEMBER)
    tasks.forget_user(user_id=str(member.user_id))
    assert not Membership.objects.filter(user_id=member.user_id).exists()


def test_read_marks_move_forward_only_and_not_beyond_the_head() -> None:
    room = RoomFactory.create()
    ada, grace = member_of(room), member_of(room)
    services.post_messages(room_id=room.pk, drafts=[Draft(sender_id=ada.pk, text="x") for _ in range(3)])
    services.record_reads(reads={(room.pk, ada.pk): 2, (room.pk, grace.pk): 99, (uuid4(), ada.pk): 1})
    services.record_reads(reads={(room.pk, ada.pk): 1})
    marks = dict(Membership.objects.values_list("user_id", "read_seq"))
    assert marks == {ada.pk: 2, grace.pk: 3}


def test_permissions_of_roles() -> None:
    owner, moderator, member = Role.OWNER, Role.MODERATOR, Role.MEMBER
    below = {
        rank.name: [other.name for other in Rank if policies.may_moderate(rank, target=other)]
        for rank in Rank
    }
    assert below == {
        "MEMBER": [],
        "MODERATOR": ["MEMBER"],
        "OWNER": ["MEMBER", "MODERATOR"],
        "SITE": ["MEMBER", "MODERATOR", "OWNER"],
    }
    assert policies.may_change_role(owner, current=moderator, to=owner, is_own=False)
    assert not policies.may_change_role(owner, current=owner, to=member, is_own=False)
    assert not policies.may_change_role(moderator, current=member, to=moderator, is_own=False)
    assert policies.may_change_role(moderator, current=moderator, to=member, is_own=True)
    assert not policies.may_change_role(member, current=member, to=moderator, is_own=True)
    assert [policies.may_add_member(role, as_role=member) for role in Role] == [True, True, False]


def test_demo_rooms_are_created_once() -> None:
    for _ in range(2):
        summary: dict[str, Any] = {"logins": [], "urls": []}
        users_demo.seed(summary)
        demo.seed(summary)
        assert dict(Room.objects.values_list("slug", "head")) == {"lobby": 3, "engineering": 2, "founders": 1}
        assert Membership.objects.count() == 8
    assert Room.objects.get(slug="founders").is_private
    assert ["Chat", "/#/rooms/lobby"] in summary["urls"]


def test_the_admin_site_shows_rooms_and_does_not_change_messages() -> None:
    room = RoomFactory.create()
    admin = AdminFactory.create()
    services.post_messages(room_id=room.pk, drafts=[Draft(sender_id=member_of(room).pk, text="x")])
    message = Message.objects.get()
    client = Client()
    client.post("/admin/login/?next=/admin/", {"username": admin.email, "password": PASSWORD})
    for path in (
        *("room/", f"room/{room.pk}/change/", "message/", f"message/{message.pk}/change/"),
        *("attachment/", "invitation/"),
    ):
        assert client.get(f"/admin/chat/{path}").status_code == 200, path
    assert client.get("/admin/chat/message/add/").status_code == 403
    assert client.post(f"/admin/chat/message/{message.pk}/delete/").status_code == 403
    assert client.post(f"/admin/chat/message/{message.pk}/change/", {"text": "y"}).status_code == 403
    message.refresh_from_db()
    assert message.text == "x"


def test_models_have_readable_names() -> None:
    member = MembershipFactory.create(room__slug="moor")
    services.post_system_message(slug="moor", text="x")
    message = Message.objects.get()
    assert str(member.room) == "moor"
    assert str(member) == f"{member.user_id} in {member.room_id}"
    assert str(message) == f"{message.room_id} #1"
    assert isinstance(message.pk, UUID)
