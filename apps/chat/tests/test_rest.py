"""The REST routes of rooms and members: representations, statuses, permissions, number of queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from apps.chat.models import Membership, Message, Role, Room
from apps.chat.tests.callers import refused
from apps.chat.tests.factories import RoomFactory
from apps.chat.tests.room_callers import new_caller, post
from apps.common.testing.users import UserFactory

pytestmark = pytest.mark.django_db


def test_the_creator_of_a_room_owns_it() -> None:
    ada = new_caller()
    answer = ada("POST", "", {"slug": "moor-1", "name": " The Moor "})
    assert answer.status_code == 201
    room = Room.objects.get()
    body = answer.json()
    assert body == {
        "id": str(room.pk),
        "slug": "moor-1",
        "name": "The Moor",
        "is_private": False,
        "language": "simple",
        "role": "owner",
        "seq": 0,
        "change": 0,
        "read_seq": 0,
        "unread": 0,
        "muted_until": None,
        "created_at": room.created_at.isoformat().replace("+00:00", "Z"),
    }
    assert ada("GET", "moor-1/").json() == body
    refused(new_caller()("POST", "", {"slug": "moor-1", "name": "Mine"}), 409, "slug_taken")
    assert Membership.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"slug": "UPPER", "name": "x"},
        {"slug": "-x", "name": "x"},
        {"slug": "x-", "name": "x"},
        {"slug": "a" * 65, "name": "x"},
        {"slug": "a b", "name": "x"},
        {"slug": "o\nk", "name": "x"},
        {"slug": "ok", "name": ""},
        {"slug": "ok", "name": "   "},
        {"slug": "ok", "name": "x" * 81},
        {"slug": "ok", "name": 5, "is_private": "perhaps"},
        {"slug": None, "name": None},
        [],
        "text",
    ],
)
def test_invalid_rooms_are_refused(body: Any) -> None:
    assert new_caller()("POST", "", body).status_code == 400
    assert not Room.objects.exists()


def test_the_list_shows_public_rooms_and_own_rooms(django_assert_max_num_queries: Callable[..., Any]) -> None:
    for n in range(30):
        RoomFactory.create(slug=f"public-{n:02}")
    hidden, mine = (
        RoomFactory.create(slug="a-hidden", is_private=True),
        RoomFactory.create(slug="b-mine", is_private=True),
    )
    ada = new_caller(mine, Role.MODERATOR)
    grace = new_caller(hidden)
    post(mine, ada, "one", "two")
    Membership.objects.filter(user=ada.user).update(read_seq=1)
    with django_assert_max_num_queries(4):
        first = ada("GET").json()
    assert [room["slug"] for room in first["results"]] == ["b-mine", *(f"public-{n:02}" for n in range(19))]
    assert {name: first["results"][0][name] for name in ("role", "seq", "read_seq", "unread")} == {
        "role": "moderator",
        "seq": 2,
        "read_seq": 1,
        "unread": 1,
    }
    assert (first["results"][1]["role"], first["results"][1]["unread"]) == (None, 0)
    assert first["previous"] is None
    second = ada("GET", first["next"]).json()
    assert [room["slug"] for room in second["results"]] == [f"public-{n:02}" for n in range(19, 30)]
    assert second["next"] is None
    assert [room["slug"] for room in ada("GET", joined="true").json()["results"]] == ["b-mine"]
    assert len(ada("GET", joined="false", limit=100).json()["results"]) == 30
    assert [room["slug"] for room in grace("GET", is_private="true").json()["results"]] == ["a-hidden"]
    assert [room["slug"] for room in ada("GET", search="LIC-07").json()["results"]] == ["public-07"]
    assert ada("GET", search="100%").json()["results"] == []


def test_private_rooms_do_not_exist_for_others() -> None:
    room = RoomFactory.create(is_private=True)
    insider, outsider = new_caller(room, Role.OWNER), new_caller()
    post(room, insider, "secret")
    message = Message.objects.get()
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "join/", {}),
        ("POST", "leave/", {}),
        ("GET", "members/", None),
        ("POST", "members/", {"user": str(outsider.user.pk)}),
        ("DELETE", f"members/{insider.user.pk}/", None),
        ("GET", "messages/", None),
        ("POST", "messages/", {"message": "x"}),
        ("PATCH", f"messages/{message.pk}/", {"message": "x"}),
        ("DELETE", f"messages/{message.pk}/", None),
    ):
        refused(outsider(method, f"{room.slug}/{path}", body), 404, "room_not_found")
        refused(outsider(method, f"nowhere/{path}", body), 404, "room_not_found")
    message.refresh_from_db()
    assert (message.text, Membership.objects.count(), Message.objects.count()) == ("secret", 1, 1)
    assert outsider("GET", "%ff/").status_code == 404


def test_public_rooms_are_read_by_members_only() -> None:
    room = RoomFactory.create()
    new_caller(room)
    outsider = new_caller()
    for method, path, body in (
        ("GET", "members/", None),
        ("GET", "messages/", None),
        ("POST", "messages/", {"message": "x"}),
        ("POST", "leave/", {}),
        ("PATCH", "", {"name": "x"}),
    ):
        refused(outsider(method, f"{room.slug}/{path}", body), 403, "not_a_member")
    assert not Message.objects.exists()


def test_joining_and_leaving() -> None:
    room = RoomFactory.create()
    owner, ada = new_caller(room, Role.OWNER), new_caller()
    post(room, owner, "before")
    for _ in range(2):
        joined = ada("POST", f"{room.slug}/join/")
        assert (joined.status_code, joined.json()["role"], joined.json()["unread"]) == (200, "member", 0)
    assert Membership.objects.count() == 2
    assert ada("POST", f"{room.slug}/leave/").status_code == 204
    refused(ada("POST", f"{room.slug}/leave/"), 403, "not_a_member")
    refused(owner("POST", f"{room.slug}/leave/"), 409, "last_owner")
    assert Membership.objects.get().user_id == owner.user.pk


def test_only_owners_change_and_delete_a_room() -> None:
    room = RoomFactory.create()
    owner, moderator = new_caller(room, Role.OWNER), new_caller(room, Role.MODERATOR)
    for body in ({"name": "x"}, {"is_private": True}):
        refused(moderator("PATCH", f"{room.slug}/", body), 403, "room_role_too_low")
    refused(moderator("DELETE", f"{room.slug}/"), 403, "room_role_too_low")
    changed = owner("PATCH", f"{room.slug}/", {"name": "New", "is_private": True}).json()
    assert (changed["name"], changed["is_private"], changed["slug"]) == ("New", True, room.slug)
    assert owner("PATCH", f"{room.slug}/", {}).json() == changed
    assert owner("PATCH", f"{room.slug}/", {"name": " "}).status_code == 400
    post(room, owner, "last")
    assert owner("DELETE", f"{room.slug}/").status_code == 204
    assert (Room.objects.count(), Message.objects.count(), Membership.objects.count()) == (0, 0, 0)


def test_members_and_roles(django_assert_max_num_queries: Callable[..., Any]) -> None:
    room = RoomFactory.create(is_private=True)
    owner = new_caller(room, Role.OWNER, name="Olga")
    moderator, member = new_caller(room, Role.MODERATOR), new_caller(room)
    ada = new_caller(name="Ada")
    members = f"{room.slug}/members/"
    refused(member("POST", members, {"user": str(ada.user.pk)}), 403, "room_role_too_low")
    refused(
        moderator("POST", members, {"user": str(ada.user.pk), "role": "moderator"}), 403, "room_role_too_low"
    )
    added = moderator("POST", members, {"user": str(ada.user.pk)})
    membership = Membership.objects.get(user=ada.user)
    assert (added.status_code, added.json()) == (
        201,
        {
            "user": str(ada.user.pk),
            "name": "Ada",
            "role": "member",
            "read_seq": 0,
            "muted_until": None,
            "joined_at": membership.created_at.isoformat().replace("+00:00", "Z"),
        },
    )
    refused(moderator("POST", members, {"user": str(owner.user.pk)}), 403, "room_role_too_low")
    same = moderator("POST", members, {"user": str(ada.user.pk)})
    assert (same.status_code, same.json()["role"]) == (200, "member")
    raised = owner("POST", members, {"user": str(ada.user.pk), "role": "owner"})
    assert (raised.status_code, raised.json()["role"]) == (200, "owner")
    for other in (str(uuid4()), str(UserFactory.create(is_active=False).pk)):
        refused(owner("POST", members, {"user": other}), 404, "member_not_found")
    assert owner("POST", members, {"user": "x", "role": "king"}).status_code == 400
    with django_assert_max_num_queries(4):
        page = member("GET", members).json()
    assert [one["name"] for one in page["results"]][::3] == ["Olga", "Ada"]
    refused(member("DELETE", f"{members}{moderator.user.pk}/"), 403, "room_role_too_low")
    refused(moderator("DELETE", f"{members}{ada.user.pk}/"), 403, "room_role_too_low")
    refused(owner("DELETE", f"{members}{uuid4()}/"), 404, "member_not_found")
    assert moderator("DELETE", f"{members}{member.user.pk}/").status_code == 204
    assert (
        owner("DELETE", f"{members}{owner.user.pk}/").status_code == 204
    )  # the caller: there is another owner
    refused(ada("POST", members, {"user": str(ada.user.pk), "role": "member"}), 409, "last_owner")
    assert set(Membership.objects.values_list("user_id", "role")) == {
        (ada.user.pk, "owner"),
        (moderator.user.pk, "moderator"),
    }
