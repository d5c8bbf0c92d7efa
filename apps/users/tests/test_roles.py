"""Roles as data: their permissions, who may assign and edit them, and the immediate effect of changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from apps.common import slices
from apps.common.callers import ALL, ANONYMOUS, Caller, CallerKind
from apps.common.exceptions import DomainError
from apps.common.models import AuditEvent
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory, access_token_for, caller_for
from apps.users import exceptions, policies, selectors, services, types
from apps.users.models import Role, User
from apps.users.types import Permission

pytestmark = pytest.mark.django_db
As = Callable[[User], Api]
CLERK = {
    "code": "clerk",
    "title": "Clerk",
    "rank": 70,
    "permissions": ["users.enter_admin", "users.manage", "users.read"],
}


@pytest.fixture
def boss() -> User:
    return AdminFactory.create()


@pytest.fixture
def clerk(boss: User) -> User:
    services.make_role(actor=caller_for(boss), **CLERK)  # type: ignore[arg-type]
    return UserFactory.create(role="clerk")


def granted(code: str) -> list[str]:
    """The default grants of the installed slices to a role."""
    return sorted(str(one) for grants in slices.declared("DEFAULT_GRANTS") for one in grants.get(code, ()))


def test_three_roles_exist_from_the_start() -> None:
    assert list(Role.objects.values_list("code", "rank", "permissions")) == [
        ("user", 0, granted("user")), ("moderator", 50, granted("moderator")), ("admin", 100, [ALL]),
    ]  # fmt: skip


def test_a_role_has_the_permissions_of_lower_roles() -> None:
    Role.objects.filter(code="user").update(permissions=["audit.read"])
    Role.objects.filter(code="moderator").update(permissions=["users.read"])
    assert Role.objects.held_by("user") == {"audit.read"}
    assert Role.objects.held_by("moderator") == {"audit.read", "users.read"}
    assert Role.objects.held_by("admin") == {"audit.read", "users.read", ALL}
    assert Role.objects.held_by("unknown") == set()
    for role in ("user", "moderator", "admin"):
        user = UserFactory.create(role=role)
        assert user.permissions == Role.objects.held_by(role)
        assert User.objects.with_permissions().get(pk=user.pk).permissions == user.permissions
    assert UserFactory.create(role="moderator").may(Permission.READ)
    assert not UserFactory.create(role="moderator").may(Permission.ERASE)
    assert AdminFactory.create().may(Permission.ERASE)


def test_an_account_cannot_have_a_missing_role() -> None:
    with pytest.raises(IntegrityError, match="users_user_role_exists"), transaction.atomic():
        UserFactory.create(role="wizard")


def test_the_caller_brings_its_permissions_by_the_one_query(
    user: User, django_assert_num_queries: Any
) -> None:
    token = access_token_for(user)
    with django_assert_num_queries(1):
        caller = selectors.authenticate_access(token=token)
        assert not caller.may(Permission.READ)
        assert not caller.is_admin


def test_a_grant_holds_from_the_next_request_on(admin: As, boss: User, user: User) -> None:
    api = admin(user)
    assert code_of(api.get("users/")) == (403, "permission_denied")
    grant = {"permissions": ["users.enter_admin", "users.read"]}
    assert admin(boss).patch("roles/user/", grant).status_code == 200
    assert len(api.get("users/").json()["results"]) == 2
    assert admin(boss).patch("roles/user/", {"permissions": ["users.enter_admin"]}).status_code == 200
    # The caller may enter, and sees only the own account.
    assert [row["id"] for row in api.get("users/").json()["results"]] == [str(user.pk)]
    assert code_of(api.get(f"users/{boss.pk}/")) == (404, "user_not_found")
    assert admin(boss).patch("roles/user/", {"permissions": []}).status_code == 200
    assert code_of(api.get("users/")) == (403, "permission_denied")


def test_roles_over_rest(admin: As, boss: User, django_assert_num_queries: Any) -> None:
    api = admin(boss)
    made = api.post("roles/", CLERK)
    assert (made.status_code, made.json()) == (201, {**CLERK, "is_built_in": False})
    with django_assert_num_queries(2):
        assert [row["code"] for row in api.get("roles/").json()["results"]] == [
            "user", "moderator", "clerk", "admin",
        ]  # fmt: skip
    changed = api.patch("roles/clerk/", {"title": "Scribe", "rank": 60, "permissions": ["audit.read"]})
    assert changed.json() == {
        "code": "clerk", "title": "Scribe", "rank": 60, "permissions": ["audit.read"], "is_built_in": False,
    }  # fmt: skip
    assert api.get("roles/clerk/").json() == changed.json()
    assert api.delete("roles/clerk/").status_code == 204
    assert code_of(api.get("roles/clerk/")) == (404, "role_not_found")
    assert list(AuditEvent.objects.filter(target="role").order_by("id").values_list("action", "target_id")) == [
        ("users.role_made", "clerk"), ("users.role_edited", "clerk"), ("users.role_deleted", "clerk"),
    ]  # fmt: skip
    assert "users.read" in api.get("permissions/").json()["permissions"]


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"code": "admin"}, 409, "role_taken"),
        ({"rank": 50}, 409, "role_taken"),
        ({"rank": 100}, 403, "rank_too_low"),
        ({"rank": 101}, 400, "invalid_input"),
        ({"rank": -1}, 400, "invalid_input"),
        ({"code": "Clerk"}, 400, "invalid_input"),
        ({"code": "clerk\n"}, 400, "invalid_input"),
        ({"permissions": ["users.fly"]}, 400, "invalid_input"),
        ({"permissions": ["*"]}, 400, "invalid_input"),
        ({"permissions": "users.read"}, 400, "invalid_input"),
    ],
)
def test_invalid_roles_are_refused(admin: As, boss: User, values: Any, status: int, code: str) -> None:
    assert code_of(admin(boss).post("roles/", {**CLERK, **values})) == (status, code)
    assert Role.objects.count() == 3
    assert not AuditEvent.objects.exists()


def test_built_in_roles_stay(admin: As, boss: User) -> None:
    api = admin(boss)
    for code in ("user", "moderator"):
        assert code_of(api.delete(f"roles/{code}/")) == (409, "role_built_in")
        assert code_of(api.patch(f"roles/{code}/", {"rank": 30})) == (409, "role_built_in")
    assert code_of(api.delete("roles/admin/")) == (403, "rank_too_low")
    assert code_of(api.patch("roles/admin/", {"permissions": []})) == (403, "rank_too_low")
    assert Role.objects.get(code="admin").permissions == [ALL]
    assert Role.objects.count() == 3


def test_a_role_in_use_stays(admin: As, boss: User, clerk: User) -> None:
    api = admin(boss)
    assert code_of(api.delete("roles/clerk/")) == (409, "role_in_use")
    assert Role.objects.filter(code="clerk").exists()
    assert api.patch(f"users/{clerk.pk}/", {"role": "user"}).status_code == 200
    assert api.delete("roles/clerk/").status_code == 204


@pytest.mark.django_db(transaction=True)
def test_a_role_is_not_assigned_while_it_is_deleted() -> None:
    boss, user = AdminFactory.create(), UserFactory.create()
    for _ in range(4):
        services.make_role(actor=caller_for(boss), **CLERK)  # type: ignore[arg-type]
        User.objects.filter(pk=user.pk).update(role="user")
        barrier = threading.Barrier(2)

        def give(barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(10)
            services.update_user(actor=caller_for(boss), user_id=user.pk, changes={"role": "clerk"})
            return True

        def take(barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(10)
            services.delete_role(actor=caller_for(boss), code="clerk")
            return True

        def outcome(act: Callable[[], bool]) -> bool:
            try:
                return act()
            except DomainError:
                return False
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            given, taken = pool.map(outcome, (give, take))
        assert given is not taken
        user.refresh_from_db()
        assert Role.objects.filter(code=user.role).exists()
        assert user.role == ("clerk" if given else "user")
        User.objects.filter(pk=user.pk).update(role="user")
        Role.objects.filter(code="clerk").delete()


def test_actors_cannot_act_on_higher_ranks(admin: As, boss: User, clerk: User, user: User) -> None:
    api = admin(clerk)
    assert api.patch(f"users/{user.pk}/", {"name": "Ada"}).json()["name"] == "Ada"
    for response in (
        api.patch(f"users/{boss.pk}/", {"name": "x"}),
        api.post(f"users/{boss.pk}/deactivate/"),
        api.delete(f"users/{boss.pk}/sessions/"),
        # Nor give a role above their own.
        api.patch(f"users/{user.pk}/", {"role": "admin"}),
    ):
        assert code_of(response) == (403, "rank_too_low")
    # Nor change their own role.
    assert code_of(api.patch(f"users/{clerk.pk}/", {"role": "user"})) == (409, "own_account")
    # An object without permission looks like a missing one.
    assert code_of(api.delete(f"users/{user.pk}/?erase=true")) == (404, "user_not_found")
    assert code_of(api.post("roles/", {**CLERK, "code": "x", "rank": 3})) == (404, "role_not_found")
    assert code_of(api.patch("roles/user/", {"permissions": []})) == (404, "role_not_found")
    for account, name, role in (
        (boss, boss.name, "admin"),
        (user, "Ada", "user"),
        (clerk, clerk.name, "clerk"),
    ):
        account.refresh_from_db()
        assert (account.name, account.role, account.is_active) == (name, role, True)
        assert account.erased_at is None


def test_actors_grant_only_permissions_that_they_have(admin: As, boss: User, clerk: User) -> None:
    services.update_role(
        actor=caller_for(boss),
        code="clerk",
        changes={"permissions": [*CLERK["permissions"], "users.manage_roles"]},  # type: ignore[misc]
    )
    api = admin(clerk)
    below = {"code": "page", "title": "Page", "rank": 10, "permissions": ["users.read"]}
    assert api.post("roles/", below).status_code == 201
    assert code_of(api.patch("roles/page/", {"permissions": ["users.erase"]})) == (403, "permission_not_held")
    assert code_of(api.patch("roles/page/", {"rank": 70})) == (403, "rank_too_low")
    assert code_of(api.patch("roles/clerk/", {"title": "x"})) == (403, "rank_too_low")
    # Grants of another admin may stay when the rest is changed.
    services.update_role(actor=caller_for(boss), code="page", changes={"permissions": ["users.erase"]})
    assert api.patch("roles/page/", {"title": "Paige", "permissions": ["users.erase"]}).status_code == 200
    assert Role.objects.get(code="page").permissions == ["users.erase"]


def test_an_account_gets_only_existing_roles(admin: As, boss: User, user: User) -> None:
    response = admin(boss).patch(f"users/{user.pk}/", {"role": "wizard"})
    assert code_of(response) == (400, "invalid_input")
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [
        ("role", "role_unknown")
    ]
    assert code_of(admin(boss).get("users/?role=wizard")) == (400, "invalid_input")
    user.refresh_from_db()
    assert user.role == "user"


def test_the_check_and_the_filter_of_the_policy_agree(boss: User, clerk: User, user: User) -> None:
    users = [boss, clerk, user]
    callers = [*(caller_for(one) for one in users), Caller(kind=CallerKind.SERVICE), ANONYMOUS]
    for actor in callers:
        seen = set(User.objects.filter(policies.visible(actor=actor)))
        assert seen == {one for one in users if policies.may_see(actor=actor, user_id=one.pk)}
    assert set(selectors.list_users_for(actor=callers[2])) == {user}
    assert not User.objects.filter(policies.visible(actor=ANONYMOUS)).exists()


def test_other_callers_cannot_see_roles(boss: User, user: User) -> None:
    for actor in (caller_for(user), ANONYMOUS, Caller(kind=CallerKind.SERVICE)):
        assert not selectors.list_roles(actor=actor).exists()
        with pytest.raises(exceptions.RoleNotFound):
            services.delete_role(actor=actor, code="moderator")


def test_removed_default_grants_do_not_return(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "DEFAULT_GRANTS", {"moderator": ["users.read"]}, raising=False)
    Role.objects.filter(code="moderator").delete()
    services.restore_defaults()
    assert Role.objects.get(code="moderator").permissions == granted("moderator")
    Role.objects.filter(code="moderator").update(permissions=[], title="Warden")
    call_command("migrate", verbosity=0)
    warden = Role.objects.get(code="moderator")
    assert (warden.permissions, warden.title, warden.rank) == ([], "Warden", 50)


class TestAdminSite:
    @pytest.fixture
    def site(self, client: Client, boss: User) -> Client:
        client.post("/admin/login/", {"username": boss.email, "password": PASSWORD})
        return client

    def test_roles_are_made_changed_and_deleted(self, site: Client) -> None:
        assert site.post("/admin/users/role/add/", CLERK).status_code == 302
        assert Role.objects.get(code="clerk").permissions == CLERK["permissions"]
        page = site.get("/admin/users/role/clerk/change/")
        assert b"users.manage_roles" in page.content
        data = {"title": "Scribe", "rank": 71, "permissions": ["audit.read"]}
        assert site.post("/admin/users/role/clerk/change/", data).status_code == 302
        scribe = Role.objects.get(code="clerk")
        assert (scribe.title, scribe.rank, scribe.permissions) == ("Scribe", 71, ["audit.read"])
        UserFactory.create(role="clerk")
        answer = site.post("/admin/users/role/clerk/delete/", {"post": "yes"}, follow=True)
        assert b"Accounts have this role" in answer.content
        User.objects.filter(role="clerk").update(role="user")
        site.post("/admin/users/role/clerk/delete/", {"post": "yes"})
        assert not Role.objects.filter(code="clerk").exists()

    def test_errors_are_shown(self, site: Client) -> None:
        answer = site.post("/admin/users/role/add/", {**CLERK, "rank": 100}, follow=True)
        assert b"Role with this Rank already exists" in answer.content
        assert site.post("/admin/users/role/moderator/delete/", {"post": "yes"}).status_code == 403
        assert site.post("/admin/users/role/admin/change/", {"title": "x"}).status_code == 403
        assert list(Role.objects.values_list("title", flat=True)) == ["User", "Moderator", "Admin"]

    def test_accounts_are_listed_by_role(self, site: Client, clerk: User) -> None:
        page = site.get("/admin/users/user/?role=clerk").content
        assert clerk.email.encode() in page
        assert b"1 account" in page or b"1 user" in page
