"""The REST routes: representations, statuses, permissions, number of queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.api import services as api
from apps.chat import services
from apps.chat.models import Membership, Message, Role, Room
from apps.chat.tests import callers
from apps.chat.tests.callers import refused
from apps.chat.tests.factories import RoomFactory, member_of
from apps.chat.types import Draft
from apps.users.tests.factories import UserFactory, bearer

pytestmark = pytest.mark.django_db
ROOMS = "/api/private/v1/chat/rooms/"


class Caller(callers.Caller):
    root = ROOMS


def new_caller(room: Room | None = None, role: Role = Role.MEMBER, **user: Any) -> Caller:
    return Caller(UserFactory.create(**user) if room is None else member_of(room, role, **user))


def post(room: Room, person: Caller, *texts: str) -> None:
    services.post_messages(
        room_id=room.pk, drafts=[Draft(sender_id=person.user.pk, text=text) for text in texts]
    )


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
    for person in (str(uuid4()), str(UserFactory.create(is_active=False).pk)):
        refused(owner("POST", members, {"user": person}), 404, "member_not_found")
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


def test_posting_over_rest() -> None:
    room = RoomFactory.create()
    ada = new_caller(room, name="Ada")
    client_id = str(uuid4())
    first = ada("POST", f"{room.slug}/messages/", {"message": " hello ", "client_id": client_id})
    stored = Message.objects.get()
    assert (first.status_code, first.json()) == (
        201,
        {
            "id": str(stored.pk),
            "seq": 1,
            "message": "hello",
            "from": str(ada.user.pk),
            "from_name": "Ada",
            "at": stored.created_at.isoformat().replace("+00:00", "Z"),
            "client_id": client_id,
            "change": None,
            "edited_at": None,
            "deleted": False,
            "reply_to": None,
            "attachments": [],
            "mentions": [],
        },
    )
    again = ada("POST", f"{room.slug}/messages/", {"message": "hello", "client_id": client_id})
    assert (again.status_code, again.json()) == (200, first.json())
    broken: tuple[Any, ...] = (
        {},
        {"message": ""},
        {"message": " "},
        {"message": "x" * 4001},
        {"message": "x", "client_id": "x"},
        [],
    )
    for body in broken:
        assert ada("POST", f"{room.slug}/messages/", body).status_code == 400
    assert Message.objects.count() == 1


def test_a_client_id_is_returned_as_it_was_sent() -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    path, upper = f"{room.slug}/messages/", str(uuid4()).upper()
    first = ada("POST", path, {"message": "hello", "client_id": upper})
    assert (first.status_code, first.json()["client_id"]) == (201, upper)
    # The answer repeats the spelling of its request, lists have that of the first one.
    again = ada("POST", path, {"message": "hello", "client_id": upper.lower()})
    assert (again.status_code, again.json()["client_id"]) == (200, upper.lower())
    again = ada("POST", path, {"message": "hello", "client_id": upper})
    assert (again.status_code, again.json()["client_id"]) == (200, upper)
    edited = ada("PATCH", f"{path}{first.json()['id']}/", {"message": "hi"})
    listed = ada("GET", path).json()["results"]
    assert [edited.json()["client_id"], *(one["client_id"] for one in listed)] == [upper, upper]


def test_the_client_id_of_a_system_message_is_returned_as_it_was_sent() -> None:
    room, upper = RoomFactory.create(), str(uuid4()).upper()
    headers = {"Authorization": f"Api-Key {api.create_key(name='x', scopes=['*']).plain}"}
    path, body = f"/api/internal/v1/chat/rooms/{room.slug}/messages/", {"message": "hi", "client_id": upper}
    answers = [Client().post(path, body, content_type="application/json", headers=headers) for _ in range(2)]
    assert [(one.status_code, one.json()["client_id"]) for one in answers] == [(201, upper), (201, upper)]


@pytest.mark.parametrize("form", ["urn:uuid:{}", "{{{}}}"])
def test_a_client_id_in_another_form_than_that_of_uuids_is_invalid(form: str) -> None:
    room = RoomFactory.create()
    body = {"message": "hello", "client_id": form.format(uuid4())}
    answer = new_caller(room)("POST", f"{room.slug}/messages/", body)
    refused(answer, 400, "invalid_input")
    assert answer.json()["errors"][0]["field"] == "client_id"
    assert not Message.objects.exists()


def test_pages_of_messages(django_assert_max_num_queries: Callable[..., Any]) -> None:
    room = RoomFactory.create()
    ada = new_caller(room)
    path = f"{room.slug}/messages/"
    assert ada("GET", path).json() == {"next": None, "previous": None, "results": []}
    post(room, ada, *(str(n) for n in range(1, 51)))

    def seqs(page: Any) -> list[int]:
        return [one["seq"] for one in page["results"]]

    with django_assert_max_num_queries(4):
        newest = ada("GET", path).json()
    assert (seqs(newest), newest["next"]) == (list(range(31, 51)), None)
    older = ada("GET", newest["previous"]).json()
    assert seqs(older) == list(range(11, 31))
    oldest = ada("GET", older["previous"]).json()
    assert (seqs(oldest), oldest["previous"]) == (list(range(1, 11)), None)
    assert seqs(ada("GET", oldest["next"]).json()) == list(range(11, 31))
    after = ada("GET", path, after=45, limit=3).json()
    assert seqs(after) == [46, 47, 48]
    last = ada("GET", after["next"]).json()
    assert (seqs(last), last["next"]) == ([49, 50], None)
    assert seqs(ada("GET", path, after=0, limit=1000).json()) == list(range(1, 51))
    assert seqs(ada("GET", path, before=3, limit=1).json()) == [2]
    assert seqs(ada("GET", path, before=1).json()) == []
    for query in (
        {"after": "x"},
        {"before": "-1"},
        {"after": 1, "before": 5},
        {"limit": 0},
        {"after": "9" * 19},
    ):
        refused(ada("GET", path, **query), 400, "invalid_input")


def test_messages_can_be_filtered() -> None:
    room = RoomFactory.create()
    ada, grace = new_caller(room), new_caller(room)
    post(room, ada, "apples", "100% pears")
    post(room, grace, "Pears and plums")
    path = f"{room.slug}/messages/"

    def texts(**query: Any) -> list[str]:
        return [one["message"] for one in ada("GET", path, **query).json()["results"]]

    assert texts(search="pears") == ["100% pears", "Pears and plums"]
    assert texts(search="0%") == ["100% pears"]
    assert texts(sender=str(ada.user.pk)) == ["apples", "100% pears"]
    middle = Message.objects.get(seq=3).created_at.isoformat()
    assert texts(created_after=middle) == ["Pears and plums"]
    assert texts(created_before=middle) == ["apples", "100% pears"]
    for query in (
        {"sender": "x"},
        {"created_after": "yesterday"},
        {"search": "x" * 101},
        {"search": "a\x00b"},
    ):
        assert ada("GET", path, **query).status_code == 400


def test_editing_and_deleting_messages() -> None:
    room = RoomFactory.create()
    ada, grace = new_caller(room), new_caller(room)
    moderator = new_caller(room, Role.MODERATOR)
    post(room, ada, "mine", "too")
    first, second = Message.objects.order_by("seq")
    path = f"{room.slug}/messages/{first.pk}/"
    for person in (grace, moderator):
        refused(person("PATCH", path, {"message": "yours"}), 403, "room_role_too_low")
    refused(grace("DELETE", path), 403, "room_role_too_low")
    refused(ada("PATCH", f"{room.slug}/messages/{uuid4()}/", {"message": "x"}), 404, "message_not_found")
    assert ada("PATCH", path, {"message": " "}).status_code == 400
    edited = ada("PATCH", path, {"message": "other words"}).json()
    assert (edited["message"], edited["seq"], edited["edited_at"] is not None) == ("other words", 1, True)
    assert ada("DELETE", path).status_code == 204
    assert ada("DELETE", path).status_code == 204
    refused(ada("PATCH", path, {"message": "back"}), 410, "message_deleted")
    assert moderator("DELETE", f"{room.slug}/messages/{second.pk}/").status_code == 204
    page = ada("GET", f"{room.slug}/messages/").json()["results"]
    assert [(one["seq"], one["message"], one["deleted"]) for one in page] == [(1, "", True), (2, "", True)]


def test_messages_of_another_room_are_not_found_through_this_one() -> None:
    one, other = RoomFactory.create(), RoomFactory.create()
    ada = new_caller(one)
    Membership.objects.create(room=other, user=ada.user)
    post(one, ada, "here")
    message = Message.objects.get()
    refused(ada("DELETE", f"{other.slug}/messages/{message.pk}/"), 404, "message_not_found")
    refused(ada("PATCH", f"{other.slug}/messages/{message.pk}/", {"message": "x"}), 404, "message_not_found")
    message.refresh_from_db()
    assert message.text == "here"


def test_a_service_posts_system_messages() -> None:
    room = RoomFactory.create(is_private=True)
    client = Client()
    path = f"/api/internal/v1/chat/rooms/{room.slug}/messages/"
    assert client.post(path, {"message": "x"}, content_type="application/json").status_code == 401
    issued = api.create_key(name="tests", scopes=["*"])
    headers = {"Authorization": f"Api-Key {issued.plain}"}
    answer = client.post(path, {"message": "Maintenance"}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["from"], answer.json()["from_name"]) == (201, None, "System")
    assert Message.objects.get().text == "Maintenance"
    elsewhere = path.replace(room.slug, "nowhere")
    answer = client.post(elsewhere, {"message": "x"}, content_type="application/json", headers=headers)
    refused(answer, 404, "room_not_found")


def test_schema_describes_pages_of_messages() -> None:
    schema = Caller(UserFactory.create()).client.get(
        "/api/private/v1/schema.json", headers=bearer(UserFactory.create())
    )
    assert schema.status_code == 200
    operation = schema.json()["paths"]["/api/private/v1/chat/rooms/{slug}/messages/"]["get"]
    names = {one.get("name") for one in operation["parameters"]}
    assert {"after", "before", "limit", "sender", "search", "created_after", "created_before"} <= names
