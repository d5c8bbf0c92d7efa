"""The admin zone: lists, changes, deactivation, erasure, and the last admin."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from apps.common.callers import ANONYMOUS
from apps.common.exceptions import DomainError
from apps.common.models import AuditEvent, OutboxEvent
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import AdminFactory, UserFactory, caller_for, erase, pair_for
from apps.users import exceptions, selectors, services
from apps.users.models import Role, Session, User
from apps.users.types import TokenPair

As = Callable[[User], Api]


@pytest.fixture
def boss(db: None) -> User:
    return AdminFactory.create(
        name="Zoe", email="zoe@example.com", created_at=datetime(2020, 1, 1, tzinfo=UTC)
    )


def names(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["name"] for row in response.json()["results"]]


def test_only_admins_may_call(admin: As, user: User, boss: User) -> None:
    moderator = UserFactory.create(role=Role.MODERATOR)
    for other in (user, moderator):
        assert code_of(admin(other).get("users/")) == (403, "permission_denied")
        assert code_of(admin(other).delete(f"users/{boss.pk}/")) == (403, "permission_denied")
    assert code_of(Api("admin").get("users/")) == (401, "not_authenticated")
    boss.refresh_from_db()
    assert boss.is_active


def test_an_account_as_admins_see_it(admin: As, user: User, boss: User) -> None:
    answer = admin(boss).get(f"users/{user.pk}/").json()
    assert set(answer) == {
        "id", "email", "name", "role", "created_at", "updated_at", "email_verified", "avatar", "is_active",
    }  # fmt: skip
    assert code_of(admin(boss).get(f"users/{uuid4()}/")) == (404, "user_not_found")


def test_the_list_is_narrowed_and_ordered(admin: As, boss: User) -> None:
    for number, (name, role, is_active) in enumerate(
        [("Ada", "user", True), ("Bob", "moderator", True), ("Cy%", "user", False), ("D_d", "user", True)]
    ):
        UserFactory.create(
            name=name,
            email=f"{name[0]}@example.org",
            role=role,
            is_active=is_active,
            created_at=datetime(2021, 1, 1 + number, tzinfo=UTC),
        )
    api = admin(boss)
    for query, expected in {
        "": ["D_d", "Cy%", "Bob", "Ada", "Zoe"],
        "?ordering=name": ["Ada", "Bob", "Cy%", "D_d", "Zoe"],
        "?ordering=-name": ["Zoe", "D_d", "Cy%", "Bob", "Ada"],
        "?ordering=created_at": ["Zoe", "Ada", "Bob", "Cy%", "D_d"],
        "?ordering=name,": ["Ada", "Bob", "Cy%", "D_d", "Zoe"],
        "?ordering=,": ["D_d", "Cy%", "Bob", "Ada", "Zoe"],
        "?ordering=": ["D_d", "Cy%", "Bob", "Ada", "Zoe"],
        "?ordering=email": ["Ada", "Bob", "Cy%", "D_d", "Zoe"],
        "?role=user": ["D_d", "Cy%", "Ada"],
        "?role=user&is_active=true": ["D_d", "Ada"],
        "?is_active=false": ["Cy%"],
        "?search=ADA": ["Ada"],
        "?search=example.com": ["Zoe"],
        "?search=%25": ["Cy%"],
        "?search=_": ["D_d"],
        "?search=%5C": [],
        "?search=%27%20OR%201%3D1": [],
        "?created_after=2021-01-03T00:00:00Z": ["D_d", "Cy%"],
        "?created_before=2021-01-01T00:00:00Z": ["Zoe"],
        "?created_after=2021-01-02&created_before=2021-01-03": ["Bob"],
        "?limit=2": ["D_d", "Cy%"],
    }.items():
        assert names(api.get(f"users/{query}")) == expected, query


@pytest.mark.parametrize(
    "query",
    [
        "role=god",
        "is_active=banana",
        "is_active=1",
        "ordering=password",
        "ordering=phone",
        "created_after=soon",
        "created_after=99999-01-01",
        "search=%00",
        "search=" + "a" * 101,
        "cursor=garbage",
        "limit=0",
        "limit=-1",
        "limit=99999999999999999999",
    ],
)
def test_bad_queries_are_problems(admin: As, boss: User, query: str) -> None:
    response = admin(boss).get(f"users/?{query}")
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_extreme_times_cause_no_server_error(admin: As, boss: User, moment: str) -> None:
    assert admin(boss).get(f"users/?created_after={moment}").status_code in (200, 400)


def test_actions_of_admins_are_audited(admin: As, user: User, boss: User) -> None:
    api = admin(boss)
    assert api.patch(f"users/{user.pk}/", {"role": "moderator"}).status_code == 200
    assert api.patch(f"users/{user.pk}/", {"name": "Ada"}).status_code == 200
    for action in ("deactivate", "deactivate", "activate"):
        assert api.post(f"users/{user.pk}/{action}/").status_code == 200
    assert api.delete(f"users/{user.pk}/?erase=true").status_code == 204
    rows = AuditEvent.objects.filter(target="user", target_id=str(user.pk), actor_id=boss.pk)
    assert list(rows.order_by("id").values_list("action", "details", "network")) == [
        ("users.role_changed", {"role": "moderator", "before": "user"}, "127.0.0.0/24"),
        ("users.deactivated", {}, "127.0.0.0/24"),
        ("users.activated", {}, "127.0.0.0/24"),
        ("users.erased", {}, "127.0.0.0/24"),
    ]


def test_pages_follow_one_another_at_the_same_cost(
    admin: As, boss: User, django_assert_num_queries: Any
) -> None:
    for number in range(45):
        UserFactory.create(name=f"User {number:02}")
    api = admin(boss)
    seen: list[str] = []
    path: str | None = "users/?ordering=name"
    while path is not None:
        with django_assert_num_queries(2):
            page = api.get(path).json()
        seen += [row["name"] for row in page["results"]]
        path = page["next"] and page["next"].split("/api/admin/v1/")[1]
    assert seen == [f"User {number:02}" for number in range(45)] + ["Zoe"]


def test_erased_accounts_are_not_listed(admin: As, boss: User, user: User) -> None:
    services.erase_user(actor=caller_for(boss), user_id=user.pk)
    assert names(admin(boss).get("users/")) == ["Zoe"]
    assert code_of(admin(boss).get(f"users/{user.pk}/")) == (404, "user_not_found")
    assert code_of(admin(boss).post(f"users/{user.pk}/activate/")) == (404, "user_not_found")


def test_put_sets_all_and_patch_some(admin: As, boss: User, user: User) -> None:
    api = admin(boss)
    body = {"name": "Grace", "role": "moderator", "is_active": True}
    refused = api.put(f"users/{user.pk}/", body | {"email": "x@example.com", "password": "y"})
    assert code_of(refused) == (400, "invalid_input")
    answer = api.put(f"users/{user.pk}/", body)
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["role"]) == ("Grace", "moderator")
    assert api.patch(f"users/{user.pk}/", {"role": "user"}).json()["name"] == "Grace"
    changed = User.objects.get(pk=user.pk)
    assert (changed.name, changed.role, changed.email, changed.password) == (
        "Grace",
        "user",
        user.email,
        user.password,
    )
    response = api.put(f"users/{user.pk}/", {"name": "G"})
    assert code_of(response) == (400, "invalid_input")
    assert {error["field"] for error in response.json()["errors"]} == {"role", "is_active"}
    assert code_of(api.patch(f"users/{user.pk}/", {"role": "god"})) == (400, "invalid_input")


def test_a_role_holds_from_the_next_request_on(admin: As, boss: User) -> None:
    other = AdminFactory.create()
    api = admin(other)
    assert api.get("users/").status_code == 200
    services.update_user(actor=caller_for(boss), user_id=other.pk, changes={"role": "user"})
    assert code_of(api.get("users/")) == (401, "session_ended")
    assert code_of(admin(other).get("users/")) == (403, "permission_denied")


@pytest.mark.parametrize("way", ["post", "patch", "delete"])
def test_deactivation_holds_at_once(
    admin: As,
    private: As,
    boss: User,
    user: User,
    way: str,
    pushed: list[Any],
    django_capture_on_commit_callbacks: Any,
) -> None:
    pair = pair_for(user)
    victim, api = private(user), admin(boss)
    assert victim.get("users/me/").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        if way == "post":
            assert api.post(f"users/{user.pk}/deactivate/").json()["is_active"] is False
        elif way == "patch":
            assert api.patch(f"users/{user.pk}/", {"is_active": False}).json()["is_active"] is False
        else:
            assert api.delete(f"users/{user.pk}/").status_code == 204
    assert code_of(victim.get("users/me/")) == (401, "session_ended")
    with pytest.raises(exceptions.RefreshTokenRefused):
        services.refresh(refresh_token=pair.refresh)
    assert len(pushed) == 2
    assert [event.name for event in OutboxEvent.objects.all()] == ["users.deactivated"]
    assert api.post(f"users/{user.pk}/activate/").json()["is_active"] is True
    # Sessions that ended before stay ended.
    assert code_of(victim.get("users/me/")) == (401, "session_ended")
    assert private(user).get("users/me/").status_code == 200


def test_doing_it_twice_changes_nothing_more(admin: As, boss: User, user: User) -> None:
    api = admin(boss)
    for _ in range(2):
        assert api.post(f"users/{user.pk}/deactivate/").status_code == 200
    for _ in range(2):
        assert api.post(f"users/{user.pk}/activate/").status_code == 200
    assert list(OutboxEvent.objects.order_by("id").values_list("name", flat=True)) == [
        "users.deactivated",
        "users.activated",
    ]


def test_erasure_needs_its_parameter(admin: As, boss: User, user: User) -> None:
    api = admin(boss)
    assert api.delete(f"users/{user.pk}/?erase=false").status_code == 204
    assert User.objects.get(pk=user.pk).email == user.email
    assert code_of(api.delete(f"users/{user.pk}/?erase=maybe")) == (400, "invalid_input")
    assert api.delete(f"users/{user.pk}/?erase=true").status_code == 204
    assert User.objects.get(pk=user.pk).erased_at is not None
    assert code_of(api.delete(f"users/{user.pk}/?erase=true")) == (404, "user_not_found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "deactivate/", None),
        ("patch", "", {"is_active": False}),
        ("patch", "", {"role": "user"}),
        ("delete", "", None),
        ("delete", "?erase=true", None),
    ],
)
def test_admins_cannot_lock_themselves_out(admin: As, boss: User, method: str, path: str, body: Any) -> None:
    AdminFactory.create()
    api = admin(boss)
    assert code_of(api.call(method, f"users/{boss.pk}/{path}", body)) == (409, "own_account")
    boss.refresh_from_db()
    assert (boss.is_active, boss.role, boss.erased_at) == (True, "admin", None)
    assert not OutboxEvent.objects.exists()


def test_admins_may_change_their_own_name(admin: As, boss: User) -> None:
    assert admin(boss).patch(f"users/{boss.pk}/", {"name": "Zora"}).json()["name"] == "Zora"
    body = {"name": "Zoe", "role": "admin", "is_active": True}
    assert admin(boss).put(f"users/{boss.pk}/", body).status_code == 200


def test_a_concurrently_demoted_admin_changes_nothing(boss: User) -> None:
    other, actor = AdminFactory.create(), caller_for(boss)
    User.objects.filter(pk=boss.pk).update(role="user")
    with pytest.raises(exceptions.UserNotFound):
        services.update_user(actor=actor, user_id=other.pk, changes={"role": "user"})
    other.refresh_from_db()
    assert other.role == "admin"


def test_the_last_active_admin_stays(boss: User) -> None:
    with pytest.raises(exceptions.LastAdmin):
        erase(boss)
    for actor in (ANONYMOUS, caller_for(UserFactory.create())):
        with pytest.raises(exceptions.UserNotFound):
            services.deactivate_user(actor=actor, user_id=boss.pk)
        with pytest.raises(exceptions.UserNotFound):
            services.erase_user(actor=actor, user_id=boss.pk)


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_demote_each_other_at_once_one_remains() -> None:
    for _ in range(5):
        User.objects.all().delete()
        pair = [AdminFactory.create(), AdminFactory.create()]
        barrier = threading.Barrier(2)

        def demote(index: int, pair: list[User] = pair, barrier: threading.Barrier = barrier) -> bool:
            actor = caller_for(pair[index])
            try:
                barrier.wait(10)
                services.update_user(actor=actor, user_id=pair[1 - index].pk, changes={"role": "user"})
            except DomainError:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(demote, range(2))) == [False, True]
        assert User.objects.active_admins().count() == 1


@pytest.mark.django_db
def test_expired_rows_are_deleted(user: User) -> None:
    now = timezone.now()
    keep, used = pair_for(user), pair_for(user)
    services.refresh(refresh_token=used.refresh)
    services.send_password_reset_mail(user_id=user.pk, request_id=uuid4(), now=now - timedelta(days=31))
    assert services.delete_expired(now=now) == 1
    assert services.delete_expired(now=now + timedelta(days=13)) == 0
    services.logout(refresh_token=keep.refresh)
    assert services.delete_expired(now=now + timedelta(days=15)) == 3
    assert Session.objects.count() == 2
    assert services.delete_expired(now=now + timedelta(days=46)) == 2
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_change_of_role_ends_existing_sessions(
    admin: As, user: User, boss: User, pushed: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    theirs = admin(user)
    session = Session.objects.get(user=user)
    with django_capture_on_commit_callbacks(execute=True):
        assert admin(boss).patch(f"users/{user.pk}/", {"role": "admin"}).status_code == 200
        assert admin(boss).patch(f"users/{user.pk}/", {"name": "Grace", "role": "admin"}).status_code == 200
    assert code_of(theirs.get("users/")) == (401, "session_ended")
    assert pushed == [(f"session:{session.pk}", {"type": "session.ended"})]
    session.refresh_from_db()
    assert session.end_reason == "role"
    assert admin(user).get("users/").status_code == 200


@pytest.mark.django_db
def test_admins_list_and_end_the_sessions_of_an_account(
    admin: As, user: User, boss: User, django_assert_num_queries: Any
) -> None:
    first, second, third = (pair_for(user) for _ in range(3))
    api = admin(boss)
    api.get(f"users/{user.pk}/sessions/")
    with django_assert_num_queries(3):
        page = api.get(f"users/{user.pk}/sessions/").json()
    rows = list(Session.objects.filter(user=user).order_by("-created_at", "-id"))
    assert [row["id"] for row in page["results"]] == [str(session.pk) for session in rows]
    assert set(page["results"][0]) == {
        "id", "user_agent", "network", "created_at", "last_seen_at", "expires_at",
    }  # fmt: skip
    assert api.delete(f"users/{user.pk}/sessions/{rows[0].pk}/").status_code == 204
    assert Session.objects.get(pk=rows[0].pk).end_reason == "admin"
    assert [is_live(pair) for pair in (first, second, third)] == [True, True, False]
    for path in (f"users/{user.pk}/sessions/{rows[0].pk}/", f"users/{boss.pk}/sessions/{rows[1].pk}/"):
        assert code_of(api.delete(path)) == (404, "session_not_found")
    assert is_live(second)
    assert api.delete(f"users/{user.pk}/sessions/").status_code == 204
    assert not any(is_live(pair) for pair in (first, second))
    assert api.get(f"users/{user.pk}/sessions/").json()["results"] == []
    missing = f"users/{uuid4()}/sessions/"
    assert code_of(api.get(missing)) == code_of(api.delete(missing)) == (404, "user_not_found")


@pytest.mark.django_db
def test_only_admins_end_the_sessions_of_others(admin: As, user: User) -> None:
    other = UserFactory.create()
    pair = pair_for(other)
    session = Session.objects.get()
    api = admin(user)
    for path in (f"users/{other.pk}/sessions/", f"users/{other.pk}/sessions/{session.pk}/"):
        assert code_of(api.delete(path)) == (403, "permission_denied")
    with pytest.raises(exceptions.UserNotFound):
        services.revoke_session_of(actor=caller_for(user), user_id=other.pk, session_id=session.pk)
    with pytest.raises(exceptions.UserNotFound):
        services.revoke_all_sessions_of(actor=caller_for(user), user_id=other.pk)
    assert is_live(pair)


def is_live(pair: TokenPair) -> bool:
    try:
        selectors.authenticate_access(token=pair.access)
    except exceptions.SessionEnded:
        return False
    return True
