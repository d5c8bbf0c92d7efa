"""The REST routes of messages: representations, statuses, pages and filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.api import services as api
from apps.chat.models import Membership, Message, Role
from apps.chat.tests.callers import refused
from apps.chat.tests.factories import RoomFactory
from apps.chat.tests.room_callers import Caller, new_caller, post
from apps.common.testing.users import UserFactory, bearer

pytestmark = pytest.mark.django_db


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
    for caller in (grace, moderator):
        refused(caller("PATCH", path, {"message": "yours"}), 403, "room_role_too_low")
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
