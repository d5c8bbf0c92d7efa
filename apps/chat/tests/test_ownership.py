"""A room always has an owner, and an invitation is valid while the inviter may invite."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.chat import services
from apps.chat.exceptions import InvitationNotFound, RoomNotFound
from apps.chat.models import Invitation, Membership, Message, Role, Room
from apps.chat.tests.callers import Caller, new_caller, refused
from apps.chat.tests.factories import RoomFactory, member_of
from apps.chat.types import Draft
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory

pytestmark = pytest.mark.django_db


def invited(room: Room, inviter: Caller, **whom: Any) -> tuple[Caller, Invitation]:
    invitee = new_caller(**whom)
    answer = inviter("POST", f"rooms/{room.slug}/invitations/", {"user": invitee.id})
    assert answer.status_code == 201
    return invitee, Invitation.objects.get(user_id=invitee.user.pk)


def site_moderator() -> Caller:
    return new_caller(role="moderator")


def lose_by_ban(room: Room, inviter: Caller, owner: Caller) -> None:
    assert owner("POST", f"rooms/{room.slug}/bans/", {"user": inviter.id}).status_code == 201


def lose_by_removal(room: Room, inviter: Caller, owner: Caller) -> None:
    assert owner("DELETE", f"rooms/{room.slug}/members/{inviter.id}/").status_code == 204


def lose_by_demotion(room: Room, inviter: Caller, owner: Caller) -> None:
    answer = owner("PATCH", f"rooms/{room.slug}/members/{inviter.id}/", {"role": "member"})
    assert answer.status_code == 200


def lose_by_leaving(room: Room, inviter: Caller, owner: Caller) -> None:
    assert inviter("POST", f"rooms/{room.slug}/leave/").status_code == 204


def lose_by_deactivation(room: Room, inviter: Caller, owner: Caller) -> None:
    inviter.user.is_active = False
    inviter.user.save(update_fields=["is_active"])


@pytest.mark.parametrize(
    "lose",
    [lose_by_ban, lose_by_removal, lose_by_demotion, lose_by_leaving, lose_by_deactivation],
)
def test_an_invitation_is_void_when_the_inviter_may_no_longer_invite(lose: Any) -> None:
    room = RoomFactory.create(is_private=True)
    owner, inviter = new_caller(room, Role.OWNER), new_caller(room, Role.MODERATOR)
    invitee, invitation = invited(room, inviter)
    lose(room, inviter, owner)
    assert invitee("GET", "invitations/").json()["results"] == []
    refused(invitee("POST", f"invitations/{invitation.pk}/accept/"), 404, "invitation_not_found")
    assert not Membership.objects.filter(room=room, user=invitee.user).exists()
    refused(invitee("GET", f"rooms/{room.slug}/"), 404, "room_not_found")


def test_an_invitation_is_valid_again_when_the_inviter_may_invite_again() -> None:
    room = RoomFactory.create(is_private=True)
    owner, inviter = new_caller(room, Role.OWNER), new_caller(room, Role.MODERATOR)
    invitee, invitation = invited(room, inviter)
    for role in ("member", "moderator"):
        owner("PATCH", f"rooms/{room.slug}/members/{inviter.id}/", {"role": role})
    assert invitee("POST", f"invitations/{invitation.pk}/accept/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_accepting_while_the_inviter_is_erased_does_not_deadlock() -> None:
    rooms = [RoomFactory.create() for _ in range(8)]
    inviter = UserFactory.create()
    invitees = []
    for room in rooms:
        Membership.objects.create(room=room, user=inviter, role=Role.MODERATOR)
        member_of(room, Role.OWNER)
        invitee = UserFactory.create()
        invitees.append((invitee, services.invite(actor_id=inviter.pk, slug=room.slug, user_id=invitee.pk)))
    failures: list[BaseException] = []
    begin = threading.Barrier(3)

    def run(work: Any) -> None:
        try:
            begin.wait()
            work()
        except BaseException as error:  # noqa: BLE001  (handed to the test)
            failures.append(error)
        finally:
            connection.close()

    def accept(some: list[Any]) -> None:
        for invitee, invitation in some:
            try:
                services.accept_invitation(actor_id=invitee.pk, invitation_id=invitation.pk)
            except InvitationNotFound:
                continue

    works = [
        lambda: accept(invitees),
        lambda: accept(invitees[::-1]),
        lambda: services.forget_user(user_id=inviter.pk),
    ]
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("way", ["remove", "ban"])
def test_a_room_whose_only_owner_is_removed_gets_the_next_member_as_owner(way: str) -> None:
    room = RoomFactory.create()
    owner, member, moderator = (new_caller(room, role) for role in (Role.OWNER, Role.MEMBER, Role.MODERATOR))
    staff = site_moderator()
    if way == "remove":
        assert staff("DELETE", f"rooms/{room.slug}/members/{owner.id}/").status_code == 204
    else:
        assert staff("POST", f"rooms/{room.slug}/bans/", {"user": owner.id}).status_code == 201
    roles = dict(Membership.objects.values_list("user_id", "role"))
    assert roles == {member.user.pk: Role.MEMBER, moderator.user.pk: Role.OWNER}
    assert moderator("PATCH", f"rooms/{room.slug}/", {"name": "Ours"}).status_code == 200


def test_a_room_whose_last_member_is_banned_is_deleted() -> None:
    room = RoomFactory.create()
    owner = new_caller(room, Role.OWNER)
    assert site_moderator()("POST", f"rooms/{room.slug}/bans/", {"user": owner.id}).status_code == 201
    assert not Room.objects.exists()


def test_the_admin_site_requires_an_owner(client: Client) -> None:
    room = RoomFactory.create()
    owner = member_of(room, Role.OWNER)
    boss = AdminFactory.create()
    client.post("/admin/login/?next=/admin/", {"username": boss.email, "password": PASSWORD})
    membership = Membership.objects.get()
    sent = {
        "slug": room.slug,
        "name": room.name,
        "language": "simple",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(membership.pk),
        "memberships-0-room": str(room.pk),
        "memberships-0-user": str(owner.pk),
        "memberships-0-role": "owner",
    }
    page = f"/admin/chat/room/{room.pk}/change/"
    for change in ({"memberships-0-role": "member"}, {"memberships-0-DELETE": "on"}):
        answer = client.post(page, sent | change)
        assert answer.status_code == 200
        assert b"A room needs an owner" in answer.content
        membership.refresh_from_db()
        assert membership.role == Role.OWNER
    assert client.post(page, sent).status_code == 302
    assert client.post(f"/admin/chat/room/{room.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Room.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_room_can_be_deleted_while_its_members_post_and_edit() -> None:
    for _ in range(5):
        room = RoomFactory.create()
        owner = member_of(room, Role.OWNER)
        stop = threading.Event()
        strange: list[BaseException] = []

        def post(room: Room = room, owner: Any = owner, stop: Any = stop, strange: Any = strange) -> None:
            try:
                while not stop.is_set():
                    services.post_message(actor_id=owner.pk, slug=room.slug, text="still here")
                    services.edit_room(actor_id=owner.pk, slug=room.slug, name="Another")
            except RoomNotFound:
                pass
            except BaseException as error:  # noqa: BLE001  (handed to the test)
                strange.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=post) for _ in range(4)]
        for thread in threads:
            thread.start()
        while not Message.objects.exists():
            pass
        services.delete_room(actor_id=owner.pk, slug=room.slug)
        stop.set()
        for thread in threads:
            thread.join(30)
        assert strange == []
        assert not Room.objects.exists()


def test_drafts_for_a_deleted_room_are_refused() -> None:
    room = RoomFactory.create()
    owner = member_of(room, Role.OWNER)
    services.delete_room(actor_id=owner.pk, slug=room.slug)
    stored = services.store_in_rooms(drafts={room.pk: [Draft(sender_id=owner.pk, text="x")]})
    assert stored == {room.pk: None}
