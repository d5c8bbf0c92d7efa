"""Changing and resetting passwords."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, identify_hasher, make_password
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.common.database.ids import uuid7
from apps.common.models import OutboxEvent
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, UserFactory, caller_for, pair_for, session_for
from apps.users import exceptions, services, tasks
from apps.users.models import OneTimeToken, RefreshToken, Session, SessionEnd, User
from apps.users.services import one_time, passwords
from apps.users.tests.test_registration import token_in
from apps.users.types import Device

pytestmark = pytest.mark.django_db
NEW = "another circle, far away"
As = Callable[[User], Api]
Relay = Callable[[], list[mail.EmailMessage]]


def can_sign_in(user: User, password: str) -> bool:
    try:
        services.login(email=user.email, password=password, device=Device())
    except exceptions.InvalidCredentials:
        return False
    return True


def test_a_change_ends_every_session_and_is_mailed(
    private: As, user: User, relay: Relay, pushed: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    pair = pair_for(user)
    api = private(user)
    with django_capture_on_commit_callbacks(execute=True):
        response = api.post("users/me/password/", {"current_password": PASSWORD, "new_password": NEW})
    assert response.status_code == 204
    assert code_of(api.get("users/me/")) == (401, "session_ended")
    with pytest.raises(exceptions.RefreshTokenRefused):
        services.refresh(refresh_token=pair.refresh)
    assert len(pushed) == 2
    assert set(Session.objects.values_list("end_reason", flat=True)) == {SessionEnd.PASSWORD}
    assert [message.subject for message in relay()] == ["Your password was changed"]
    assert not can_sign_in(user, PASSWORD)
    assert can_sign_in(user, NEW)


def test_a_wrong_current_password_changes_nothing(private: As, user: User) -> None:
    api = private(user)
    response = api.post("users/me/password/", {"current_password": PASSWORD + " ", "new_password": NEW})
    assert code_of(response) == (403, "wrong_password")
    assert api.get("users/me/").status_code == 200
    assert can_sign_in(user, PASSWORD)
    assert not OutboxEvent.objects.exists()


def test_a_weak_new_password_changes_nothing(private: As, user: User) -> None:
    api = private(user)
    response = api.post("users/me/password/", {"current_password": PASSWORD, "new_password": "short"})
    assert code_of(response) == (400, "password_refused")
    assert {error["field"] for error in response.json()["errors"]} == {"new_password"}
    assert api.get("users/me/").status_code == 200
    assert can_sign_in(user, PASSWORD)


def test_guessing_the_current_password_is_limited(user: User, settings: Any, clean_limits: None) -> None:
    settings.IDENTITY_LIMITS = {"login": {"pair": ("3/minute",), "account": ("1/minute",)}}
    actor, here = caller_for(user), Device(address="192.0.2.1")
    for _ in range(3):
        with pytest.raises(exceptions.WrongPassword):
            services.change_password(actor=actor, current_password="x", new_password=NEW, device=here)
    with pytest.raises(exceptions.TooManyAttempts):
        services.change_password(actor=actor, current_password=PASSWORD, new_password=NEW, device=here)


def test_of_two_changes_at_once_the_second_is_refused(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    real = make_password

    def other_is_faster(password: str) -> str:
        User.objects.filter(pk=user.pk).update(password=real("what the other one chose"))
        return real(password)

    monkeypatch.setattr(passwords, "make_password", other_is_faster)
    with pytest.raises(exceptions.WrongPassword):
        services.change_password(
            actor=caller_for(user), current_password=PASSWORD, new_password=NEW, device=Device()
        )
    assert can_sign_in(user, "what the other one chose")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("spelling", [str, str.upper])
def test_a_reset_has_the_same_answer_for_every_address(
    public: Api,
    user: User,
    relay: Relay,
    django_assert_num_queries: Any,
    known: bool,
    spelling: Callable[[str], str],
) -> None:
    email = user.email if known else "nobody@example.com"
    with django_assert_num_queries(4):
        response = public.post("auth/password/reset/", {"email": spelling(email)})
    assert response.status_code == 202
    assert response.json() == {"detail": "Look into your mail: what happens next is there."}
    assert [(message.to, message.subject) for message in relay()] == (
        [([user.email], "Set a new password")] if known else []
    )


def test_a_reset_for_an_invalid_address_or_inactive_account_sends_nothing(public: Api, relay: Relay) -> None:
    off = UserFactory.create(is_active=False)
    for email in ("no address", off.email):
        assert public.post("auth/password/reset/", {"email": email}).status_code == 202
    assert relay() == []
    assert not OneTimeToken.objects.exists()


def test_the_link_sets_a_password_once(public: Api, user: User, relay: Relay) -> None:
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    session_for(user)
    tokens = []
    for _ in range(2):
        public.post("auth/password/reset/", {"email": user.email})
        tokens.append(token_in(relay()[0]))
    first, second = tokens
    weak = public.post("auth/password/reset/confirm/", {"token": first, "password": "short"})
    assert code_of(weak) == (400, "password_refused")
    assert public.post("auth/password/reset/confirm/", {"token": first, "password": NEW}).status_code == 204
    for used in (first, second):
        again = public.post("auth/password/reset/confirm/", {"token": used, "password": PASSWORD})
        assert code_of(again) == (400, "token_unusable")
    user.refresh_from_db()
    assert user.is_verified
    assert Session.objects.get().end_reason == SessionEnd.PASSWORD
    assert can_sign_in(user, NEW)
    assert not can_sign_in(user, PASSWORD)
    assert [message.subject for message in relay()] == ["Your password was changed"]


def test_a_link_expires_and_ends_with_the_account(public: Api, user: User, relay: Relay) -> None:
    public.post("auth/password/reset/", {"email": user.email})
    token = token_in(relay()[0])
    with pytest.raises(exceptions.OneTimeTokenRefused):
        services.confirm_password_reset(token=token, password=NEW, now=timezone.now() + timedelta(hours=1))
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(exceptions.OneTimeTokenRefused):
        services.confirm_password_reset(token=token, password=NEW)
    User.objects.filter(pk=user.pk).update(is_active=True)
    services.confirm_password_reset(token=token, password=NEW)


def test_of_two_concurrent_uses_of_a_link_one_succeeds(
    user: User, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.request_password_reset(email=user.email, device=Device())
    token = token_in(relay()[0])
    real = one_time.find

    looked = 0

    def find(**arguments: Any) -> Any:
        nonlocal looked
        found, looked = real(**arguments), looked + 1
        if looked == 2:  # between find and redeem
            OneTimeToken.objects.update(used_at=timezone.now())
        return found

    monkeypatch.setattr(one_time, "find", find)
    with pytest.raises(exceptions.OneTimeTokenRefused):
        services.confirm_password_reset(token=token, password=NEW)
    assert can_sign_in(user, PASSWORD)


def test_a_request_is_mailed_once_however_often_its_task_runs(user: User) -> None:
    request_id = uuid7()
    for _ in range(3):
        services.send_password_reset_mail(user_id=user.pk, request_id=request_id)
    assert len(mail.outbox) == 1
    services.send_password_reset_mail(user_id=uuid4(), request_id=uuid7())
    assert len(mail.outbox) == 1


def test_resets_are_limited_equally_for_every_address(
    public: Api, user: User, settings: Any, clean_limits: None
) -> None:
    settings.IDENTITY_LIMITS = {"reset": {"account": ("2/hour",)}}
    for email in (user.email, "nobody@example.com", "no address"):
        statuses = [public.post("auth/password/reset/", {"email": email}).status_code for _ in range(3)]
        assert statuses == [202, 202, 429]
    assert OutboxEvent.objects.count() == 6


def test_mails_of_a_failing_server_are_sent_later(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from infrastructure import email
    from infrastructure.email import EmailDeliveryError

    def fail(**_: Any) -> None:
        raise EmailDeliveryError

    with monkeypatch.context() as away:
        away.setattr(email, "send", fail)
        with pytest.raises(EmailDeliveryError):
            services.send_welcome_mail(user_id=user.pk)
    user.refresh_from_db()
    assert user.welcomed_at is None
    assert not OneTimeToken.objects.exists()
    services.send_welcome_mail(user_id=user.pk)
    assert len(mail.outbox) == 1


def test_erased_accounts_get_no_notices(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)
    services.send_notice(notice="password_changed", user_id=user.pk)
    assert not mail.outbox
    with pytest.raises(ValueError, match="no notice"):
        services.send_notice(notice="welcome", user_id=user.pk)


def test_the_hourly_task_cleans(user: User) -> None:
    pair_for(user)
    RefreshToken.objects.update(expires_at=timezone.now())
    tasks.delete_expired()
    assert not RefreshToken.objects.exists()
    assert "users.delete-expired" in tasks.SCHEDULE
    assert tasks.SCHEDULE["users.delete-expired"]["task"] == tasks.delete_expired.name


COMPOSED, DECOMPOSED = "Jos\u00e9 of the downs", "Jose\u0301 of\u00a0the downs"


class TestForms:
    """All Unicode forms of a password are equal, wherever it is checked."""

    @pytest.fixture
    def jose(self, public: Api) -> User:
        body = {"email": "jose@example.com", "name": "Jos\u00e9", "password": DECOMPOSED}
        assert public.post("auth/register/", body).status_code == 201
        return User.objects.get()

    @pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
    def test_it_signs_in(self, public: Api, jose: User, typed: str) -> None:
        assert public.post("auth/login/", {"email": jose.email, "password": typed}).status_code == 200

    @pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
    def test_it_is_asked_for_again(self, private: As, jose: User, typed: str) -> None:
        body = {"email": "other@example.com", "current_password": typed}
        assert private(jose).post("users/me/email/", body).status_code in (200, 201, 202)

    def test_it_is_changed_and_reset(self, public: Api, private: As, jose: User, relay: Relay) -> None:
        body = {"current_password": COMPOSED, "new_password": "another " + DECOMPOSED}
        assert private(jose).post("users/me/password/", body).status_code == 204
        sign_in = {"email": jose.email, "password": "another " + COMPOSED}
        assert public.post("auth/login/", sign_in).status_code == 200
        relay()
        public.post("auth/password/reset/", {"email": jose.email})
        token = token_in(relay()[-1])
        reset = {"token": token, "password": "third " + DECOMPOSED}
        assert public.post("auth/password/reset/confirm/", reset).status_code == 204
        assert public.post("auth/login/", {**sign_in, "password": "third " + COMPOSED}).status_code == 200

    def test_the_admin_site_and_commands_take_it(self, client: Client) -> None:
        boss = User.objects.create_superuser("boss@example.com", DECOMPOSED, name="Boss")
        sent = {"username": boss.email, "password": COMPOSED}
        assert client.post("/admin/login/?next=/admin/", sent).status_code == 302

    def test_an_older_hash_is_renewed_at_the_next_sign_in(self, public: Api, jose: User) -> None:
        hasher = identify_hasher(jose.password)
        User.objects.update(password=Argon2PasswordHasher.encode(hasher, DECOMPOSED, "salt" * 6))
        asked = {"email": jose.email, "password": COMPOSED}
        assert public.post("auth/login/", asked).status_code == 401
        assert public.post("auth/login/", {**asked, "password": DECOMPOSED}).status_code == 200
        renewed = User.objects.get().password
        assert public.post("auth/login/", asked).status_code == 200
        assert User.objects.get().password == renewed

    def test_its_length_is_that_of_its_form(self, public: Api) -> None:
        long = "e\u0301" * 128
        body = {"email": "long@example.com", "name": "Long", "password": long}
        assert public.post("auth/register/", body).status_code == 201
        assert public.post("auth/login/", {"email": body["email"], "password": long}).status_code == 200
        late = public.post("auth/register/", {**body, "email": "longer@example.com", "password": long + "x"})
        assert code_of(late) == (400, "password_refused")
