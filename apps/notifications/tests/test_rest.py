"""The list, unread notifications, preferences, and notifications from services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.api import services as api
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory, bearer
from apps.notifications import data_export, selectors, services
from apps.notifications.exceptions import InvalidLink, RecipientNotFound
from apps.notifications.models import Inbox, Notification
from apps.notifications.types import Kind, declare, declared_kinds
from apps.users.models import User

pytestmark = pytest.mark.django_db
ROOT = "/api/private/v1/notifications/"
INTERNAL = "/api/internal/v1/notifications/"

MENTION = declare(Kind(code="test.mention", title="A test mentions you"))


def tell(user: User, title: str = "Hello", **more: Any) -> Notification:
    told = services.notify(user_id=user.pk, kind="test.mention", title=title, **more)
    assert told is not None
    return told


class Caller:
    def __init__(self, user: User) -> None:
        self.headers = bearer(user)
        self.client = Client()

    def __call__(self, method: str, path: str = "", body: Any = None, **query: Any) -> Any:
        url = path if path.startswith("http") else ROOT + path
        options: dict[str, Any] = {"headers": self.headers}
        options |= {"data": query} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self.client, method.lower())(url, **options)


def test_numbers_are_gapless_and_a_key_is_notified_once() -> None:
    ada, grace = UserFactory.create(), UserFactory.create()
    first, second = tell(ada, key="a"), tell(ada)
    assert tell(ada, "again", key="a") == first
    assert tell(grace, key="a").seq == 1
    assert tell(ada).seq == 3
    assert [(one.seq, one.title) for one in selectors.list_notifications(user_id=ada.pk)] == [
        (3, "Hello"),
        (2, "Hello"),
        (1, "Hello"),
    ]
    assert second.seq == 2


def test_unknown_recipients_and_external_links_are_refused() -> None:
    ada, gone = UserFactory.create(), UserFactory.create(is_active=False)
    for user_id in (uuid4(), gone.pk):
        with pytest.raises(RecipientNotFound):
            services.notify(user_id=user_id, kind="test.mention", title="x")
    for link in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        with pytest.raises(InvalidLink):
            tell(ada, link=link)
    assert not Notification.objects.exists()


def test_the_list_has_pages_and_filters(django_assert_max_num_queries: Callable[..., Any]) -> None:
    user = UserFactory.create()
    ada = Caller(user)
    for number in range(25):
        tell(user, str(number), link="/#/rooms/lobby", data={"seq": number})
    tell(UserFactory.create())
    with django_assert_max_num_queries(3):
        first = ada("GET").json()
    newest = Notification.objects.get(user=user, seq=25)
    assert first["results"][0] == {
        "id": str(newest.pk),
        "seq": 25,
        "kind": "test.mention",
        "title": "24",
        "body": "",
        "link": "/#/rooms/lobby",
        "data": {"seq": 24},
        "at": newest.created_at.isoformat().replace("+00:00", "Z"),
        "read": False,
    }
    rest = ada("GET", first["next"]).json()
    assert [one["seq"] for page in (first, rest) for one in page["results"]] == list(range(25, 0, -1))
    services.mark_all_read(actor_id=user.pk, up_to=23)
    assert [one["seq"] for one in ada("GET", unread="true").json()["results"]] == [25, 24]
    assert ada("GET", unread="false").json()["results"][0]["seq"] == 23
    assert ada("GET", kind="test.other").json()["results"] == []


def test_one_and_all_notifications_are_marked_as_read(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    user, other = UserFactory.create(), UserFactory.create()
    ada = Caller(user)
    one, _, _ = tell(user), tell(user), tell(user)
    foreign = tell(other)
    assert ada("GET", "summary/").json() == {"unread": 3, "seq": 3}
    for _ in range(2):
        assert ada("POST", f"{one.pk}/read/").json() == {"unread": 2, "seq": 3}
    for id_ in (foreign.pk, uuid4()):
        answer = ada("POST", f"{id_}/read/")
        assert (answer.status_code, answer.json()["code"]) == (404, "notification_not_found")
    assert ada("POST", "read-all/", {"up_to": 2}).json() == {"unread": 1, "seq": 3}
    assert ada("POST", "read-all/", {}).json() == {"unread": 0, "seq": 3}
    assert ada("POST", "read-all/", {"up_to": "x"}).status_code == 400
    foreign.refresh_from_db()
    assert foreign.read_at is None
    with django_assert_max_num_queries(4):
        assert Caller(other)("GET", "summary/").json() == {"unread": 1, "seq": 1}


def test_muted_kinds_are_not_notified() -> None:
    user = UserFactory.create()
    ada = Caller(user)
    shown = ada("GET", "preferences/").json()
    assert (shown["digest"], shown["muted_kinds"]) == ("daily", [])
    assert {"code": "test.mention", "title": "A test mentions you"} in shown["kinds"]
    changed = ada("PATCH", "preferences/", {"digest": "weekly", "muted_kinds": ["test.mention"]}).json()
    assert (changed["digest"], changed["muted_kinds"]) == ("weekly", ["test.mention"])
    assert services.notify(user_id=user.pk, kind="test.mention", title="x") is None
    assert services.notify(user_id=user.pk, kind="test.reply", title="x") is not None
    for body in ({"digest": "hourly"}, {"muted_kinds": ["no.such"]}, {"muted_kinds": "test.mention"}):
        assert ada("PATCH", "preferences/", body).status_code == 400
    assert ada("PATCH", "preferences/", {"muted_kinds": []}).json()["digest"] == "weekly"
    assert Inbox.objects.get().muted_kinds == []


def test_a_kind_is_declared_once() -> None:
    assert MENTION in declared_kinds()
    assert declare(MENTION) is MENTION
    with pytest.raises(ValueError, match=r"test\.mention"):
        declare(Kind(code="test.mention", title="Something else"))


def test_services_notify_users() -> None:
    user = UserFactory.create()
    key = api.create_key(name="billing", scopes=["api:internal:v1:notifications:notify"]).plain
    headers = {"Authorization": f"Api-Key {key}"}

    def post(**body: Any) -> Any:
        return Client().post(INTERNAL, body, content_type="application/json", headers=headers)

    told = {"user": str(user.pk), "kind": "billing.paid", "title": "Paid", "link": "/#/bills", "key": "7"}
    first, again = post(**told, data={"bill": 7}), post(**told)
    assert (first.status_code, first.json()["seq"], again.json()["id"]) == (201, 1, first.json()["id"])
    services.set_preferences(actor_id=user.pk, muted_kinds=["billing.paid"])
    assert post(**told).status_code == 204
    for wrong, status, code in (
        ({"user": str(uuid4())}, 404, "recipient_not_found"),
        ({"link": "https://evil.example"}, 400, "invalid_link"),
        ({"kind": "Paid"}, 400, "invalid_input"),
        ({"data": {"x": "y" * 2001}}, 400, "invalid_input"),
        ({"title": ""}, 400, "invalid_input"),
    ):
        answer = post(**told | wrong)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Notification.objects.count() == 1


def test_notifications_are_exported_and_shown_to_admins_without_their_text() -> None:
    user, admin = UserFactory.create(), AdminFactory.create()
    told = tell(user, "Secret words")
    found: Any = data_export.export(user.pk)
    assert found["preferences"] == {"digest": "daily", "muted_kinds": []}
    assert [row["title"] for row in found["notifications"]] == ["Secret words"]
    client = Client()
    client.post("/admin/login/?next=/admin/", {"username": admin.email, "password": PASSWORD})
    for path in ("inbox/", "notification/", f"inbox/{user.pk}/change/", f"notification/{told.pk}/change/"):
        page = client.get(f"/admin/notifications/{path}")
        assert page.status_code == 200, path
        assert b"Secret words" not in page.content
    assert client.get("/admin/notifications/inbox/add/").status_code == 403
    assert client.get("/admin/notifications/notification/add/").status_code == 403
    assert client.post(f"/admin/notifications/notification/{told.pk}/delete/").status_code == 403
    assert (str(told), str(Inbox.objects.get())) == ("test.mention #1", f"inbox of {user.pk}")
