"""Users erase their account: proof of ownership, the grace period, signing in within it, and content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from apps.common.models import AuditEvent, OutboxEvent
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, AdminFactory, UserFactory, caller_for, pair_for
from apps.users import services, tasks
from apps.users.models import Session, User
from apps.users.services.erasure import erase_due
from apps.users.tests.test_second_factor import code, enrolled

As = Callable[[User], Api]
pytestmark = pytest.mark.django_db
GRACE = timedelta(days=14)


def ask(api: Api, **body: Any) -> Any:
    return api.delete("users/me/", {"current_password": PASSWORD, **body})


def sign_in(public: Api, user: User) -> Any:
    return public.post("auth/login/", {"email": user.email, "password": PASSWORD})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, (403, "wrong_password")),
        ({}, (403, "wrong_password")),
        ({"current_password": ""}, (403, "wrong_password")),
        ({"current_password": "another guess"}, (403, "wrong_password")),
        ({"code": "123456"}, (409, "second_factor_missing")),
        ({"current_password": 5}, (400, "invalid_input")),
    ],
)
def test_an_access_token_alone_erases_nothing(
    private: As, user: User, body: Any, expected: tuple[int, str]
) -> None:
    before = user.updated_at
    assert code_of(private(user).delete("users/me/", body)) == expected
    user.refresh_from_db()
    assert (user.is_active, user.erase_at, user.updated_at) == (True, None, before)
    assert not OutboxEvent.objects.exists()


def test_attempts_to_erase_count_as_attempts_to_sign_in(
    private: As, user: User, settings: Any, clean_limits: None
) -> None:
    settings.IDENTITY_LIMITS = settings.IDENTITY_LIMITS | {"login": {"pair": ("2/minute",)}}
    api = private(user)
    answers = [ask(api, current_password="a wrong guess").status_code for _ in range(3)]
    assert answers == [403, 403, 429]


def test_a_code_of_the_second_factor_is_proof_as_well(private: As, user: User) -> None:
    enrolled(user)
    api = private(user)
    assert code_of(ask(api, current_password="", code="000000")) == (403, "wrong_code")
    assert ask(api, current_password="", code=code(user)).status_code == 204
    user.refresh_from_db()
    assert user.is_active is False


def test_the_account_is_switched_off_at_once_and_erased_later(
    private: As, public: Api, user: User, relay: Callable[[], list[Any]]
) -> None:
    pair_for(user)
    now = timezone.now()
    assert ask(private(user)).status_code == 204
    user.refresh_from_db()
    assert (user.is_active, user.erased_at) == (False, None)
    assert user.erase_at is not None and abs(user.erase_at - now - GRACE) < timedelta(minutes=1)
    assert not Session.objects.live(now).exists()
    (told,) = relay()
    assert (told.to, told.subject) == ([user.email], "Your account will be erased")
    assert f"{user.erase_at:%B %Y}" in told.body
    assert erase_due(now=now + GRACE - timedelta(minutes=2)) == 0
    assert erase_due(now=now + GRACE + timedelta(minutes=2)) == 1
    assert erase_due(now=now + GRACE + timedelta(minutes=2)) == 0
    user.refresh_from_db()
    assert user.name == "Deleted account"
    assert user.erased_at is not None
    assert code_of(sign_in(public, user)) == (401, "invalid_credentials")
    actions = set(AuditEvent.objects.filter(actor_id=user.pk).values_list("action", flat=True))
    assert {"users.erasure_requested", "users.erased"} <= actions


def test_signing_in_during_the_grace_period_keeps_the_account(
    private: As, public: Api, user: User, relay: Callable[[], list[Any]]
) -> None:
    ask(private(user), with_content=True)
    relay()
    answer = sign_in(public, user)
    assert answer.status_code == 200
    user.refresh_from_db()
    assert (user.is_active, user.erase_at, user.erase_content) == (True, None, False)
    assert [one.subject for one in relay()] == ["Your account is kept"]
    assert erase_due(now=timezone.now() + GRACE * 2) == 0
    headers = {"Authorization": f"Bearer {answer.json()['access']}"}
    assert Api("private", headers).get("users/me/").json()["id"] == str(user.pk)


def test_with_a_second_factor_the_password_alone_does_not_keep_the_account(
    private: As, public: Api, user: User
) -> None:
    enrolled(user)
    ask(private(user))
    challenge = sign_in(public, user)
    assert challenge.status_code == 202
    user.refresh_from_db()
    assert user.is_active is False
    done = public.post(
        "auth/login/second-factor/",
        {"challenge": challenge.json()["challenge"], "code": code(user)},
    )
    assert done.status_code == 200
    user.refresh_from_db()
    assert (user.is_active, user.erase_at) == (True, None)


def test_a_forgotten_password_can_be_reset_during_the_grace_period(
    private: As, public: Api, user: User, relay: Callable[[], list[Any]]
) -> None:
    ask(private(user))
    relay()
    public.post("auth/password/reset/", {"email": user.email})
    (sent,) = relay()
    token = sent.body.split("reset-password=")[1].split()[0]
    another = "another walk in the hills"
    assert (
        public.post("auth/password/reset/confirm/", {"token": token, "password": another}).status_code == 204
    )
    user.refresh_from_db()
    assert user.is_active is False
    assert public.post("auth/login/", {"email": user.email, "password": another}).status_code == 200


def test_signing_in_does_not_activate_an_account_that_an_admin_deactivated(public: Api, user: User) -> None:
    services.deactivate_user(actor=caller_for(AdminFactory.create()), user_id=user.pk)
    assert code_of(sign_in(public, user)) == (401, "invalid_credentials")
    user.refresh_from_db()
    assert user.is_active is False


def test_an_admin_who_activates_the_account_cancels_its_erasure(private: As, user: User) -> None:
    ask(private(user))
    services.activate_user(actor=caller_for(AdminFactory.create()), user_id=user.pk)
    user.refresh_from_db()
    assert (user.is_active, user.erase_at) == (True, None)


def test_the_last_admin_cannot_be_erased(private: As) -> None:
    assert code_of(ask(private(AdminFactory.create()))) == (409, "last_admin")


def test_the_user_chooses_whether_content_is_erased(private: As, user: User) -> None:
    other = UserFactory.create()
    ask(private(user), with_content=True)
    ask(private(other))
    tasks.erase_due.apply(throw=True)
    assert erase_due(now=timezone.now() + GRACE * 2) == 2
    erased = OutboxEvent.objects.filter(name="users.erased")
    told = {row.payload["user_id"]: row.payload["with_content"] for row in erased}
    assert told == {str(user.pk): True, str(other.pk): False}
    assert mail.outbox == []
