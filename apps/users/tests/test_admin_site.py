"""Django's admin site: its sign-in, and what it shows and changes of accounts and sessions."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from apps.common.models import AuditEvent, OutboxEvent
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory, caller_for, session_for
from apps.users import hashers, services
from apps.users.demo import PASSWORD as DEMO_PASSWORD
from apps.users.demo import seed
from apps.users.models import Session, User

pytestmark = pytest.mark.django_db


def sign_in(client: Client, email: str, password: str = PASSWORD) -> Any:
    return client.post("/admin/login/?next=/admin/", {"username": email, "password": password})


@pytest.fixture
def boss() -> User:
    return AdminFactory.create(name="Zoe")


@pytest.fixture
def site(client: Client, boss: User) -> Client:
    assert sign_in(client, boss.email).status_code == 302
    return client


def test_admins_sign_in_with_any_spelling_of_their_address(client: Client, boss: User) -> None:
    response = sign_in(client, boss.email.upper())
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    page = client.get("/admin/")
    assert page.status_code == 200
    assert b"users/user" in page.content
    assert b"auth/group" not in page.content


def test_other_users_cannot_sign_in(client: Client, boss: User) -> None:
    UserFactory.create(email="user@example.com")
    AdminFactory.create(email="off@example.com", is_active=False)
    for email, password in [
        ("user@example.com", PASSWORD),
        ("off@example.com", PASSWORD),
        (boss.email, "wrong and wrong"),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
    ]:
        response = sign_in(client, email, password)
        assert response.status_code == 200
        assert b"Please enter the correct" in response.content
        assert client.get("/admin/").status_code == 302


def test_the_limits_are_those_of_the_api(
    client: Client, boss: User, settings: Any, clean_limits: None
) -> None:
    settings.IDENTITY_LIMITS = {"login": {"pair": ("2/minute",)}, "site": {}}
    for _ in range(2):
        sign_in(client, boss.email, "wrong and wrong")
    response = sign_in(client, boss.email)
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 66
    assert b"Too many attempts" in response.content
    assert client.get("/admin/").status_code == 302


def test_a_busy_server_says_so(
    client: Client, boss: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**_: Any) -> None:
        raise hashers.HashingBusy

    monkeypatch.setattr(services, "check_credentials", busy)
    response = sign_in(client, boss.email)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert b"Many users are signing in" in response.content


def test_a_cookie_ends_with_a_new_role_or_deactivation(site: Client, boss: User) -> None:
    other = caller_for(AdminFactory.create())
    services.update_user(actor=other, user_id=boss.pk, changes={"role": "moderator"})
    assert site.get("/admin/").status_code == 302
    services.update_user(actor=other, user_id=boss.pk, changes={"role": "admin"})
    assert site.get("/admin/").status_code == 302
    sign_in(site, boss.email)
    assert site.get("/admin/").status_code == 200
    services.deactivate_user(actor=other, user_id=boss.pk)
    assert site.get("/admin/").status_code == 302


def test_a_cookie_ends_when_all_sessions_end(site: Client, boss: User) -> None:
    assert site.get("/admin/").status_code == 200
    services.logout_everywhere(actor=caller_for(boss))
    assert site.get("/admin/").status_code == 302


def test_a_cookie_stays_invalid_when_its_account_is_activated_again(site: Client, boss: User) -> None:
    other = caller_for(AdminFactory.create())
    services.deactivate_user(actor=other, user_id=boss.pk)
    services.activate_user(actor=other, user_id=boss.pk)
    assert site.get("/admin/").status_code == 302


def test_a_cookie_ends_when_the_password_changes(site: Client, boss: User) -> None:
    boss.set_password("another circle, far away")
    boss.save()
    assert site.get("/admin/").status_code == 302


def test_backends_want_text() -> None:
    assert authenticate(None, username="ada@example.com", password=None) is None
    assert authenticate(None) is None


def test_backends_take_the_field_by_its_name(boss: User) -> None:
    assert authenticate(None, email=boss.email, password=PASSWORD) == boss


def test_accounts_and_sessions_are_shown_without_their_secrets(site: Client, user: User) -> None:
    user.phone = "5550100"
    user.save()
    session = session_for(user)
    for path in (
        "users/user/",
        f"users/user/?q={user.email}&role__exact=user",
        f"users/user/{user.pk}/change/",
        f"users/user/{user.pk}/history/",
        "users/session/",
        f"users/session/{session.pk}/change/",
    ):
        page = site.get(f"/admin/{path}")
        assert page.status_code == 200, path
        assert b"argon2" not in page.content
        assert b"5550100" not in page.content
    for path in (
        "users/user/add/",
        "users/session/add/",
        f"users/user/{user.pk}/delete/",
        f"users/session/{session.pk}/delete/",
    ):
        assert site.get(f"/admin/{path}").status_code == 403, path


def test_searches_are_literal(site: Client, boss: User) -> None:
    UserFactory.create(name="100% sure", email="percent@example.com")
    UserFactory.create(name="a_b", email="line@example.com")

    def found(page: str, text: str) -> set[str]:
        response = site.get(f"/admin/users/{page}/", {"q": text})
        assert response.status_code == 200
        shown: Any = response.context_data
        return {str(row) for row in shown["cl"].result_list}

    assert {str(user) for user in User.objects.filter(name="100% sure")} == found("user", "%")
    assert {str(user) for user in User.objects.filter(name="a_b")} == found("user", "_")
    assert found("user", "\\") == found("session", "%") == set()


def change(site: Client, user: User, **values: Any) -> Any:
    data = {"name": user.name, "role": user.role, "is_active": "on", **values}
    return site.post(
        f"/admin/users/user/{user.pk}/change/",
        {key: value for key, value in data.items() if value is not None},
        follow=True,
    )


def test_changes_go_through_the_service(site: Client, user: User) -> None:
    session_for(user)
    assert (
        change(site, user, name="Grace", role="moderator", is_active=None, email="x@example.com").status_code
        == 200
    )
    changed = User.objects.get(pk=user.pk)
    assert (changed.name, changed.role, changed.is_active, changed.email) == (
        "Grace",
        "moderator",
        False,
        user.email,
    )
    assert Session.objects.get(user=user).end_reason == "deactivated"


def test_errors_of_the_service_are_shown(site: Client, boss: User) -> None:
    assert b"You cannot do this to your own account." in change(site, boss, role="user").content
    boss.refresh_from_db()
    assert boss.role == "admin"


def test_actions(site: Client, boss: User, user: User) -> None:
    for action, is_active in (("deactivate", False), ("activate", True)):
        page = site.post(
            "/admin/users/user/",
            {"action": action, "_selected_action": [str(user.pk), str(boss.pk)]},
            follow=True,
        )
        user.refresh_from_db()
        boss.refresh_from_db()
        assert (user.is_active, boss.is_active) == (is_active, True)
        assert f"{user.name}: done.".encode() in page.content


def test_sessions_are_ended(site: Client, boss: User, user: User) -> None:
    one, other, over = session_for(user), session_for(user), session_for(user)
    Session.objects.filter(pk=over.pk).update(ended_at=timezone.now(), end_reason="logout")
    chosen = {"action": "end", "_selected_action": [str(one.pk), str(over.pk)]}
    page = site.post("/admin/users/session/", chosen, follow=True)
    assert f"Session {one.pk}: ended.".encode() in page.content
    assert f"Session {over.pk}: There is no such session.".encode() in page.content
    reasons = {session.pk: session.end_reason for session in Session.objects.all()}
    assert reasons == {one.pk: "admin", other.pk: "", over.pk: "logout"}
    site.post("/admin/users/user/", {"action": "sign_out", "_selected_action": [str(user.pk)]})
    assert Session.objects.get(pk=other.pk).end_reason == "admin"


def test_an_erased_account_cannot_be_changed(site: Client, boss: User, user: User) -> None:
    services.erase_user(actor=caller_for(boss), user_id=user.pk)
    assert change(site, user, name="Grace").status_code == 403
    assert User.objects.get(pk=user.pk).name == "Deleted account"


def test_createsuperuser_makes_an_admin(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--email", "Boss@Example.com", "--name", "Boss", verbosity=0)
    made = User.objects.get()
    assert (made.email, made.role, made.is_verified, made.is_superuser) == (
        "boss@example.com",
        "admin",
        True,
        True,
    )
    assert sign_in(client, "boss@example.com").status_code == 302


def test_django_asks_the_role(user: User, boss: User) -> None:
    assert [user.has_perm("x"), user.has_perms(["x"]), user.has_module_perms("users")] == [False] * 3
    assert [boss.has_perm("x"), boss.has_perms(["x"]), boss.has_module_perms("users")] == [True] * 3
    boss.is_active = False
    assert not boss.has_perm("x")
    assert str(session_for(user)).startswith("session ")
    user.clean()
    assert str(user) == user.name


def test_demo_accounts_are_created_once_and_kept_unchanged() -> None:
    first: dict[str, Any] = {"logins": [], "urls": []}
    seed(first)
    assert first["logins"] == [
        {"email": "ada@example.com", "password": DEMO_PASSWORD, "role": "admin"},
        {"email": "grace@example.com", "password": DEMO_PASSWORD, "role": "user"},
        {"email": "linus@example.com", "password": DEMO_PASSWORD, "role": "user"},
    ]
    grace = User.objects.get(email="grace@example.com")
    services.deactivate_user(actor=caller_for(User.objects.get(email="ada@example.com")), user_id=grace.pk)
    linus = User.objects.get(email="linus@example.com")
    linus.set_password("another circle, far away")
    linus.save()
    second: dict[str, Any] = {"logins": [], "urls": []}
    seed(second)
    assert [login["email"] for login in second["logins"]] == ["ada@example.com"]
    assert User.objects.count() == 3
    assert all(
        user.welcomed_at is not None and user.welcomed_at < timezone.now() for user in User.objects.all()
    )


class TestPasswordPage:
    """It changes the password as the API does."""

    NEW = "another circle, far away"

    def change(self, site: Client, old: str = PASSWORD, new: str = NEW) -> Any:
        body = {"old_password": old, "new_password1": new, "new_password2": new}
        return site.post("/admin/password_change/", body)

    def test_all_sessions_end_and_the_change_is_told(self, site: Client, boss: User) -> None:
        session = session_for(boss)
        assert site.get("/admin/password_change/").status_code == 200
        assert self.change(site).status_code == 302
        session.refresh_from_db()
        assert session.end_reason == "password"
        assert site.get("/admin/").status_code == 302
        assert AuditEvent.objects.filter(action="users.password_changed", actor_id=boss.pk).count() == 1
        assert OutboxEvent.objects.filter(name="users.password_changed").count() == 1
        assert sign_in(site, boss.email, self.NEW).status_code == 302

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("wrong and wrong", NEW, "The current password is wrong."),
            (PASSWORD, "short", "at least 12 characters"),
            (PASSWORD, "x" * 129, "128 characters"),
        ],
    )
    def test_a_refusal_is_shown_and_changes_nothing(
        self, site: Client, boss: User, old: str, new: str, told: str
    ) -> None:
        before = boss.password
        response = self.change(site, old, new)
        assert (response.status_code, told in response.text) == (200, True)
        boss.refresh_from_db()
        assert boss.password == before
        assert site.get("/admin/").status_code == 200

    def test_attempts_are_limited(self, site: Client, boss: User, settings: Any, clean_limits: None) -> None:
        settings.IDENTITY_LIMITS = {"login": {"account": ("2/minute",), "pair": ("2/minute",)}}
        for _ in range(2):
            self.change(site, "wrong and wrong")
        assert "Too many attempts" in self.change(site).text
        assert site.get("/admin/").status_code == 200
