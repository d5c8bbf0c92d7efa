"""Invitations and the search for users: permissions and disclosure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.utils import timezone

from apps.chat import services
from apps.chat.models import Invitation, Membership, Role
from apps.chat.tests.callers import Caller, new_caller, refused
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common.models import AuditEvent

pytestmark = pytest.mark.django_db


def verified(**user: Any) -> Caller:
    return new_caller(email_verified_at=timezone.now(), **user)


def test_a_user_invited_by_address_can_join(django_assert_max_num_queries: Callable[..., Any]) -> None:
    room = RoomFactory.create(is_private=True)
    owner, ada = new_caller(room, Role.OWNER, name="Olga"), verified(email="ada@example.org")
    sent = owner("POST", f"rooms/{room.slug}/invitations/", {"email": " ADA@Example.ORG "})
    invitation = Invitation.objects.get()
    assert (sent.status_code, sent.json()["email"], sent.json()["user"]) == (201, "ada@example.org", None)
    refused(ada("GET", f"rooms/{room.slug}/"), 404, "room_not_found")
    with django_assert_max_num_queries(4):
        (shown,) = ada("GET", "invitations/").json()["results"]
    assert {name: shown[name] for name in ("id", "room", "room_name", "invited_by", "invited_by_name")} == {
        "id": str(invitation.pk),
        "room": room.slug,
        "room_name": room.name,
        "invited_by": owner.id,
        "invited_by_name": "Olga",
    }
    accepted = ada("POST", f"invitations/{invitation.pk}/accept/")
    assert (accepted.status_code, accepted.json()["role"], accepted.json()["unread"]) == (200, "member", 0)
    refused(ada("POST", f"invitations/{invitation.pk}/accept/"), 404, "invitation_not_found")
    assert not Invitation.objects.exists()
    assert [event.action for event in AuditEvent.objects.order_by("at", "id")] == [
        "chat.invited",
        "chat.member_added",
    ]


def test_the_answer_is_the_same_for_unknown_users(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    room = RoomFactory.create(is_private=True)
    owner, known = new_caller(room, Role.OWNER), verified()
    answers = [
        owner("POST", f"rooms/{room.slug}/invitations/", body)
        for body in (
            {"email": known.user.email},
            {"email": "nobody@example.org"},
            {"user": known.id},
            {"user": str(uuid4())},
        )
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert {frozenset(answer.json()) for answer in answers} == {
        frozenset({"id", "email", "user", "invited_by", "created_at", "expires_at"})
    }
    with django_assert_max_num_queries(4):
        listed = owner("GET", f"rooms/{room.slug}/invitations/").json()["results"]
    assert [one["id"] for one in listed] == [answer.json()["id"] for answer in reversed(answers)]
    again = owner("POST", f"rooms/{room.slug}/invitations/", {"email": "nobody@example.org"})
    assert (again.status_code, again.json()["id"]) == (201, answers[1].json()["id"])


def test_invitations_of_others_cannot_be_accepted() -> None:
    room = RoomFactory.create(is_private=True)
    owner, member = new_caller(room, Role.OWNER), new_caller(room)
    ada, unverified, late = (
        verified(),
        new_caller(email="grace@example.org", email_verified_at=None),
        verified(),
    )
    ids = {}
    for name, body in {
        "ada": {"user": ada.id},
        "grace": {"email": "grace@example.org"},
        "late": {"user": late.id},
    }.items():
        ids[name] = owner("POST", f"rooms/{room.slug}/invitations/", body).json()["id"]
    Invitation.objects.filter(pk=ids["late"]).update(expires_at=timezone.now() - timedelta(seconds=1))
    # An unverified address belongs to no user.
    for invited, id_ in ((unverified, ids["grace"]), (unverified, ids["ada"]), (late, ids["late"])):
        assert invited("GET", "invitations/").json()["results"] == []
        refused(invited("POST", f"invitations/{id_}/accept/"), 404, "invitation_not_found")
        refused(invited("POST", f"invitations/{id_}/decline/"), 404, "invitation_not_found")
    refused(member("POST", f"rooms/{room.slug}/invitations/", {"user": ada.id}), 403, "room_role_too_low")
    refused(member("GET", f"rooms/{room.slug}/invitations/"), 403, "room_role_too_low")
    refused(ada("POST", f"rooms/{room.slug}/invitations/", {"user": ada.id}), 404, "room_not_found")
    refused(member("DELETE", f"rooms/{room.slug}/invitations/{ids['ada']}/"), 403, "room_role_too_low")
    for body in (
        {},
        {"email": "x"},
        {"email": "zoë@example.org"},
        {"email": "a@b.example", "user": ada.id},
        {"user": "x"},
    ):
        assert owner("POST", f"rooms/{room.slug}/invitations/", body).status_code == 400
    assert (Membership.objects.count(), Invitation.objects.count()) == (2, 3)
    assert ada("POST", f"invitations/{ids['ada']}/decline/").status_code == 204
    assert owner("DELETE", f"rooms/{room.slug}/invitations/{ids['grace']}/").status_code == 204
    refused(owner("DELETE", f"rooms/{room.slug}/invitations/{ids['grace']}/"), 404, "invitation_not_found")
    assert services.delete_expired() == 1
    assert not Invitation.objects.exists()


def test_open_invitations_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.chat.services.invitations.MAX_OPEN", 1)
    room = RoomFactory.create()
    owner = new_caller(room, Role.OWNER)
    assert owner("POST", f"rooms/{room.slug}/invitations/", {"user": str(uuid4())}).status_code == 201
    refused(
        owner("POST", f"rooms/{room.slug}/invitations/", {"user": str(uuid4())}), 409, "too_many_invitations"
    )


def test_invitations_are_rate_limited(settings: Any) -> None:
    settings.CHAT_LIMITS = settings.CHAT_LIMITS | {"invitations": ("1/hour",)}
    room = RoomFactory.create()
    owner = new_caller(room, Role.OWNER)
    assert owner("POST", f"rooms/{room.slug}/invitations/", {"user": str(uuid4())}).status_code == 201
    late = owner("POST", f"rooms/{room.slug}/invitations/", {"user": str(uuid4())})
    refused(late, 429, "too_often")
    assert int(late["Retry-After"]) > 0
    assert Invitation.objects.count() == 1


def test_users_who_share_a_room_are_found(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    room, other = RoomFactory.create(), RoomFactory.create()
    ada = new_caller(room)
    grace = member_of(room, name="Grace")
    member_of(room, name="Gone", is_active=False)
    member_of(other, name="Grace Elsewhere")
    second = RoomFactory.create(is_private=True)
    for user in (ada.user, grace):
        Membership.objects.create(room=second, user=user)
    with django_assert_max_num_queries(3):
        assert ada("GET", "people/").json()["results"] == [{"id": str(grace.pk), "name": "Grace"}]
    assert [one["name"] for one in ada("GET", "people/", search="gra").json()["results"]] == ["Grace"]
    assert ada("GET", "people/", search="%").json()["results"] == []
    assert new_caller()("GET", "people/").json()["results"] == []


@pytest.mark.parametrize(
    ("inviter_confirmed", "owner_confirmed", "has_account", "is_told"),
    [
        (True, True, False, True),
        (False, True, False, False),
        (True, False, False, False),  # the owner, who named the room
        (False, False, True, True),  # the address is verified
    ],
)
def test_mails_to_unverified_addresses_have_no_text_of_unverified_accounts(
    inviter_confirmed: bool, owner_confirmed: bool, has_account: bool, is_told: bool
) -> None:
    confirmed = {True: timezone.now(), False: None}
    room = RoomFactory.create(name="Win now & here")
    member_of(room, Role.OWNER, email_verified_at=confirmed[owner_confirmed])
    inviter = new_caller(
        room, Role.MODERATOR, name="http://evil.example", email_verified_at=confirmed[inviter_confirmed]
    )
    if has_account:
        verified(email="stranger@example.org")
    invitation = services.invite(actor_id=inviter.user.pk, slug=room.slug, email="stranger@example.org")
    services.notify_of_invitation(invitation_id=invitation.pk)
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    words = f"{message.subject}\n{message.body}\n{message.alternatives[0][0]!s}"
    assert ("evil.example" in words, "Win now" in words) == (is_told, is_told)
    expected = (
        "http://evil.example invites you into Win now & here" if is_told else "You are invited into a room"
    )
    assert message.subject == expected
