"""Moderation: permissions to remove, mute, ban and promote, and the audit log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from apps.chat import data_export, services
from apps.chat.models import Ban, Membership, Message, Mute, Role
from apps.chat.tests.callers import new_caller, refused
from apps.chat.tests.factories import RoomFactory
from apps.common.models import AuditEvent

pytestmark = pytest.mark.django_db


def audited() -> list[tuple[str, Any, str]]:
    return list(AuditEvent.objects.order_by("at", "id").values_list("action", "actor_id", "target_id"))


def test_a_mute_ends_at_its_time() -> None:
    room = RoomFactory.create()
    moderator, member = new_caller(room, Role.MODERATOR), new_caller(room)
    path = f"rooms/{room.slug}/members/{member.id}/mute/"
    muted = moderator("POST", path, {"seconds": 60})
    until = Membership.objects.get(user=member.user).muted_until
    assert until is not None
    assert timedelta(seconds=50) < until - timezone.now() <= timedelta(seconds=60)
    assert (muted.status_code, muted.json()["muted_until"]) == (200, until.isoformat().replace("+00:00", "Z"))
    refused(member.say(room, "x"), 403, "muted")
    assert moderator("POST", path, {"until": "2027-01-01T00:00:00Z"}).json()["muted_until"][:4] == "2027"
    for body in (
        {},
        {"seconds": 0},
        {"seconds": 1, "until": "2027-01-01T00:00:00Z"},
        {"until": "2020-01-01T00:00:00Z"},
        {"until": "2037-01-01T00:00:00Z"},
    ):
        assert moderator("POST", path, body).status_code == 400
    assert moderator("DELETE", path).status_code == 204
    assert member.say(room, "x").status_code == 201
    assert audited() == [
        ("chat.member_muted", moderator.user.pk, member.id),
        ("chat.member_muted", moderator.user.pk, member.id),
        ("chat.member_unmuted", moderator.user.pk, member.id),
    ]


def test_members_of_equal_or_higher_rank_cannot_be_moderated() -> None:
    room = RoomFactory.create()
    users = {
        role: (new_caller(room, role), new_caller(room, role))
        for role in (Role.OWNER, Role.MODERATOR, Role.MEMBER)
    }
    order = [Role.MEMBER, Role.MODERATOR, Role.OWNER]
    words = {role: other.say(room, "mine").json()["id"] for role, (_, other) in users.items()}
    for rank, role in enumerate(order):
        actor = users[role][0]
        for target in order[rank or 0 :]:
            other = users[target][1]
            member = f"rooms/{room.slug}/members/{other.id}/"
            refused(actor("DELETE", member), 403, "room_role_too_low")
            refused(actor("POST", f"{member}mute/", {"seconds": 9}), 403, "room_role_too_low")
            refused(actor("DELETE", f"rooms/{room.slug}/messages/{words[target]}/"), 403, "room_role_too_low")
    assert Membership.objects.filter(muted_until=None).count() == 6
    assert not Message.objects.filter(deleted_at__isnull=False).exists()
    assert audited() == []
    owner, moderator = users[Role.OWNER][0], users[Role.MODERATOR][0]
    assert owner("DELETE", f"rooms/{room.slug}/messages/{words[Role.MODERATOR]}/").status_code == 204
    assert moderator("DELETE", f"rooms/{room.slug}/messages/{words[Role.MEMBER]}/").status_code == 204
    assert owner("DELETE", f"rooms/{room.slug}/members/{moderator.id}/").status_code == 204
    assert [action for action, _, _ in audited()] == [
        "chat.message_deleted",
        "chat.message_deleted",
        "chat.member_removed",
    ]
    refused(owner("DELETE", f"rooms/{room.slug}/members/{uuid4()}/"), 404, "member_not_found")


def test_owners_change_roles_and_members_lower_their_own() -> None:
    room = RoomFactory.create()
    owner, second, member = new_caller(room, Role.OWNER), new_caller(room, Role.OWNER), new_caller(room)

    def give(actor: Any, target: Any, role: str) -> Any:
        return actor("PATCH", f"rooms/{room.slug}/members/{target.id}/", {"role": role})

    refused(give(owner, second, "member"), 403, "room_role_too_low")
    refused(give(member, member, "owner"), 403, "room_role_too_low")
    assert give(owner, member, "moderator").json()["role"] == "moderator"
    refused(give(member, owner, "member"), 403, "room_role_too_low")
    assert give(second, second, "member").json()["role"] == "member"
    refused(give(owner, owner, "member"), 409, "last_owner")
    refused(give(owner, new_caller(), "member"), 404, "member_not_found")
    assert give(owner, member, "king").status_code == 400
    assert dict(Membership.objects.values_list("user_id", "role")) == {
        owner.user.pk: "owner",
        second.user.pk: "member",
        member.user.pk: "moderator",
    }
    assert audited() == [
        ("chat.role_changed", owner.user.pk, member.id),
        ("chat.role_changed", second.user.pk, second.id),
    ]


def test_site_moderators_moderate_visible_rooms() -> None:
    public, private = RoomFactory.create(), RoomFactory.create(is_private=True)
    owner, insider = new_caller(public, Role.OWNER), new_caller(private, Role.OWNER)
    moderator, admin, other_user = new_caller(role="moderator"), new_caller(role="admin"), new_caller()
    said = owner.say(public, "spam").json()["id"]
    hidden = insider.say(private, "secret").json()["id"]
    refused(other_user("DELETE", f"rooms/{public.slug}/messages/{said}/"), 403, "not_a_member")
    refused(moderator("DELETE", f"rooms/{private.slug}/messages/{hidden}/"), 404, "room_not_found")
    refused(moderator("DELETE", f"rooms/{private.slug}/members/{insider.id}/"), 404, "room_not_found")
    path = f"rooms/{public.slug}/members/{owner.id}/mute/"
    assert moderator("POST", path, {"seconds": 60}).status_code == 200
    assert moderator("DELETE", f"rooms/{public.slug}/messages/{said}/").status_code == 204
    refused(moderator("PATCH", f"rooms/{public.slug}/", {"name": "x"}), 403, "not_a_member")
    # Site moderators cannot moderate each other either.
    for staff in (moderator, admin):
        Membership.objects.create(room=public, user=staff.user)
    other = new_caller(public, role="moderator")
    for target in (other, admin):
        refused(moderator("DELETE", f"rooms/{public.slug}/members/{target.id}/"), 403, "room_role_too_low")
    assert admin("DELETE", f"rooms/{public.slug}/members/{other.id}/").status_code == 204
    # In their own room, the role in it counts.
    Membership.objects.create(room=private, user=admin.user)
    assert insider("DELETE", f"rooms/{private.slug}/members/{admin.id}/").status_code == 204


def test_a_mute_does_not_end_by_leaving() -> None:
    room = RoomFactory.create()
    owner, member = new_caller(room, Role.OWNER), new_caller(room)
    path = f"rooms/{room.slug}/members/{member.id}/"
    owner("POST", f"{path}mute/", {"seconds": 600})
    until = Membership.objects.get(user=member.user).muted_until
    assert until is not None
    assert member("POST", f"rooms/{room.slug}/leave/").status_code == 204
    assert member("POST", f"rooms/{room.slug}/join/").json()["muted_until"][:19] == until.isoformat()[:19]
    refused(member.say(room, "x"), 403, "muted")
    assert not Mute.objects.exists()
    assert owner("DELETE", path).status_code == 204
    assert services.delete_expired() == 0
    assert services.delete_expired(now=timezone.now() + timedelta(hours=1)) == 1
    member("POST", f"rooms/{room.slug}/join/")
    assert member.say(room, "x").status_code == 201


def test_a_banned_user_cannot_join_until_the_ban_is_lifted() -> None:
    room = RoomFactory.create()
    owner, moderator, member = (
        new_caller(room, Role.OWNER),
        new_caller(room, Role.MODERATOR),
        new_caller(room),
    )
    bans = f"rooms/{room.slug}/bans/"
    banned = moderator("POST", bans, {"user": member.id})
    assert (banned.status_code, banned.json()["user"], banned.json()["name"]) == (
        201,
        member.id,
        member.user.name,
    )
    assert moderator("POST", bans, {"user": member.id}).status_code == 200
    assert not Membership.objects.filter(user=member.user).exists()
    refused(member("POST", f"rooms/{room.slug}/join/"), 403, "banned")
    refused(owner("POST", f"rooms/{room.slug}/members/", {"user": member.id}), 409, "member_banned")
    owner("POST", f"rooms/{room.slug}/invitations/", {"user": member.id})
    (invitation,) = member("GET", "invitations/").json()["results"]
    refused(member("POST", f"invitations/{invitation['id']}/accept/"), 403, "banned")
    assert not Membership.objects.filter(user=member.user).exists()
    assert [one["user"] for one in owner("GET", bans).json()["results"]] == [member.id]
    assert owner("DELETE", f"{bans}{member.id}/").status_code == 204
    refused(owner("DELETE", f"{bans}{member.id}/"), 404, "ban_not_found")
    assert owner("GET", bans).json()["results"] == []
    assert member("POST", f"rooms/{room.slug}/join/").status_code == 200
    assert [action for action, _, _ in audited()] == [
        "chat.member_banned",
        "chat.invited",
        "chat.member_unbanned",
    ]


def test_a_ban_deletes_invitations_and_applies_to_users_outside_the_room() -> None:
    room = RoomFactory.create(is_private=True)
    owner, invitee = new_caller(room, Role.OWNER), new_caller()
    owner("POST", f"rooms/{room.slug}/invitations/", {"user": invitee.id})
    assert owner("POST", f"rooms/{room.slug}/bans/", {"user": invitee.id}).status_code == 201
    assert invitee("GET", "invitations/").json()["results"] == []
    refused(invitee("POST", f"rooms/{room.slug}/join/"), 404, "room_not_found")
    refused(owner("POST", f"rooms/{room.slug}/bans/", {"user": str(uuid4())}), 404, "member_not_found")
    for body in ({}, {"user": "x"}):
        assert owner("POST", f"rooms/{room.slug}/bans/", body).status_code == 400


def test_equals_cannot_be_banned_and_members_see_no_bans() -> None:
    room = RoomFactory.create()
    owner, moderator, member = (
        new_caller(room, Role.OWNER),
        new_caller(room, Role.MODERATOR),
        new_caller(room),
    )
    staff, outsider = new_caller(role="moderator"), new_caller()
    bans = f"rooms/{room.slug}/bans/"
    for actor, target in (
        (moderator, owner),
        (moderator, new_caller(room, Role.MODERATOR)),
        (moderator, moderator),
        (owner, owner),
        (member, outsider),
        (staff, new_caller(role="admin")),
    ):
        refused(actor("POST", bans, {"user": target.id}), 403, "room_role_too_low")
    refused(outsider("POST", bans, {"user": member.id}), 403, "not_a_member")
    refused(member("GET", bans), 403, "room_role_too_low")
    refused(member("DELETE", f"{bans}{outsider.id}/"), 403, "room_role_too_low")
    assert not Ban.objects.exists()
    assert Membership.objects.count() == 4
    assert staff("POST", bans, {"user": owner.id}).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_joining_during_a_ban_leaves_no_membership() -> None:
    room = RoomFactory.create()
    owner, member = new_caller(room, Role.OWNER), new_caller()
    start = threading.Barrier(2, timeout=10)

    def at_once(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        finally:
            connection.close()

    for _ in range(10):
        threads = [
            threading.Thread(target=at_once, args=[work])
            for work in (
                lambda: member("POST", f"rooms/{room.slug}/join/"),
                lambda: owner("POST", f"rooms/{room.slug}/bans/", {"user": member.id}),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
        assert Ban.objects.count() == 1
        assert not Membership.objects.filter(user=member.user).exists()
        Ban.objects.all().delete()


def test_bans_are_listed_with_one_query_and_deleted_with_the_account(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    room = RoomFactory.create()
    owner, users = new_caller(room, Role.OWNER), [new_caller(room) for _ in range(4)]
    for banned_member in users:
        owner("POST", f"rooms/{room.slug}/bans/", {"user": banned_member.id})
    with django_assert_max_num_queries(5):
        assert len(owner("GET", f"rooms/{room.slug}/bans/").json()["results"]) == 4
    exported = list(data_export.export(users[0].user.pk)["bans"])
    assert [one["room_slug"] for one in exported] == [room.slug]
    services.forget_user(user_id=users[0].user.pk)
    assert Ban.objects.count() == 3


def test_permission_to_moderate_follows_the_role() -> None:
    room = RoomFactory.create()
    member, clerk = new_caller(room), new_caller(role="moderator")
    path = f"rooms/{room.slug}/members/{member.id}/mute/"
    type(clerk.user).objects.filter(pk=clerk.user.pk).update(role="user")
    refused(clerk("POST", path, {"seconds": 60}), 403, "not_a_member")
    assert Membership.objects.get().muted_until is None
    type(clerk.user).objects.filter(pk=clerk.user.pk).update(role="moderator")
    assert clerk("POST", path, {"seconds": 60}).status_code == 200


def test_own_messages_are_not_unread_after_all_were_read() -> None:
    room = RoomFactory.create()
    ada, grace = new_caller(room), new_caller(room)
    ada.say(room, "one")
    assert ada("GET", f"rooms/{room.slug}/").json()["unread"] == 0
    grace.say(room, "two")
    ada.say(room, "three")
    assert ada("GET", f"rooms/{room.slug}/").json()["unread"] == 2


def test_read_marks_over_rest(django_assert_max_num_queries: Callable[..., Any]) -> None:
    room = RoomFactory.create()
    ada, grace = new_caller(room), new_caller(room)
    for word in ("one", "two", "three"):
        grace.say(room, word)
    shown = f"rooms/{room.slug}/"
    assert ada("GET", shown).json()["unread"] == 3
    assert ada("POST", f"{shown}read/", {"seq": 2}).status_code == 204
    assert ada("POST", f"{shown}read/", {"seq": 1}).status_code == 204
    assert ada("GET", shown).json()["unread"] == 1
    assert ada("POST", f"{shown}read/", {"seq": 2**62}).status_code == 204
    assert ada("GET", shown).json()["read_seq"] == 3
    for body in ({}, {"seq": -1}, {"seq": "x"}, {"seq": 2**63}):
        assert ada("POST", f"{shown}read/", body).status_code == 400
    refused(new_caller()("POST", f"{shown}read/", {"seq": 1}), 403, "not_a_member")
    with django_assert_max_num_queries(4):
        assert ada("GET", "rooms/").json()["results"][0]["unread"] == 0
