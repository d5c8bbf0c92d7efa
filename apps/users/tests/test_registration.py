"""Registration over HTTP and by service; verification of the address."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.common.models import OutboxEvent
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, UserFactory
from apps.users import exceptions, services
from apps.users.models import OneTimeToken, User
from apps.users.types import Device
from infrastructure import token as tokens
from infrastructure.product import PRODUCT

pytestmark = pytest.mark.django_db
BODY = {"email": "Ada@Example.com", "name": " Ada ", "password": PASSWORD}
Relay = Callable[[], list[mail.EmailMessage]]


def token_in(message: mail.EmailMessage) -> str:
    found = re.search(r"#[a-z-]+=([\w-]{43})$", str(message.body), re.MULTILINE)
    assert found is not None
    return found[1]


def test_an_account_is_created(public: Api) -> None:
    response = public.post("auth/register/", BODY)
    user = User.objects.get()
    assert response.status_code == 201
    answer = response.json()
    assert parse_datetime(answer.pop("created_at")) == user.created_at
    assert answer == {"id": str(user.pk), "email": "ada@example.com", "name": "Ada", "role": "user"}
    assert user.password.startswith("argon2$argon2id$")
    assert (user.is_active, user.is_verified, user.is_staff) == (True, False, False)
    assert [event.name for event in OutboxEvent.objects.all()] == ["users.registered"]


def test_undeclared_fields_are_refused(public: Api) -> None:
    extra = {
        "role": "admin",
        "is_active": False,
        "is_staff": True,
        "email_verified_at": "2026-01-01T00:00:00Z",
        "id": "1",
    }
    refused = public.post("auth/register/", {**BODY, **extra})
    assert code_of(refused) == (400, "invalid_input")
    assert {(error["field"], error["code"]) for error in refused.json()["errors"]} == {
        (name, "unknown") for name in extra
    }
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "spelling", ["ada@example.com", "ADA@EXAMPLE.COM", "ａｄａ@example.com", " ada@example.com"]
)
def test_a_known_address_is_a_409(public: Api, spelling: str) -> None:
    UserFactory.create(email="ada@example.com")
    assert code_of(public.post("auth/register/", {**BODY, "email": spelling})) == (409, "email_taken")
    assert User.objects.count() == 1
    assert not OutboxEvent.objects.exists()


def test_the_constraint_decides_between_two_at_once(public: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_is_faster(password: str) -> str:
        UserFactory.create(email="ada@example.com")
        return "argon2$x"

    monkeypatch.setattr("apps.users.services.registration.make_password", other_is_faster)
    assert code_of(public.post("auth/register/", BODY)) == (409, "email_taken")
    assert User.objects.count() == 1


def test_uniform_registration_informs_only_the_owner(public: Api, relay: Relay, settings: Any) -> None:
    settings.REGISTRATION_UNIFORM = True
    first = public.post("auth/register/", BODY)
    second = public.post("auth/register/", {**BODY, "email": "ADA@example.com"})
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json() == {"detail": "Look into your mail: what happens next is there."}
    assert User.objects.count() == 1
    assert sorted(message.subject for message in relay()) == [
        f"Welcome to {PRODUCT.name}",
        "You have an account already",
    ]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"email": "invalid"}, "email", "invalid_email"),
        ({"email": 5}, "email", "invalid"),
        ({"email": None}, "email", "null"),
        ({"email": "a" * 300 + "@example.com"}, "email", "invalid_email"),
        ({"name": "  "}, "name", "blank"),
        ({"name": "a" * 101}, "name", "max_length"),
        ({"name": "Ada\u202egnp"}, "name", "unprintable"),
        ({"name": "Ada\nLovelace"}, "name", "unprintable"),
        ({"name": ["Ada"]}, "name", "invalid"),
        ({"name": True}, "name", "invalid"),
        ({"password": 123456789012345}, "password", "invalid"),
        ({"password": ""}, "password", "blank"),
    ],
)
def test_bad_input_is_named(public: Api, change: dict[str, Any], field: str, code: str) -> None:
    response = public.post("auth/register/", {**BODY, **change})
    assert code_of(response) == (400, "invalid_input")
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("elevenchars", {"password_too_short"}),
        ("x" * 129, {"password_too_long"}),
        ("123456789012345", {"password_entirely_numeric"}),
        ("password1234", {"password_too_common"}),
        ("adalovelace1815", {"password_too_similar"}),
    ],
)
def test_weak_passwords_are_refused(public: Api, password: str, codes: set[str]) -> None:
    response = public.post("auth/register/", {**BODY, "name": "adalovelace1815", "password": password})
    assert code_of(response) == (400, "password_refused")
    errors = response.json()["errors"]
    assert {error["field"] for error in errors} == {"password"}
    assert codes <= {error["code"] for error in errors}
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password", ["twelve chars", "x y" * 42 + "zz", "  spaces around  ", "пароль из тринадцати"]
)
def test_twelve_to_128_characters_are_taken_as_typed(public: Api, password: str) -> None:
    assert 12 <= len(password) <= 128
    assert public.post("auth/register/", {**BODY, "password": password}).status_code == 201
    assert public.post("auth/login/", {"email": BODY["email"], "password": password}).status_code == 200
    assert public.post("auth/login/", {"email": BODY["email"], "password": password + " "}).status_code in (
        400,
        401,
    )


def test_one_welcome_mail_verifies_the_address_once(public: Api, relay: Relay) -> None:
    public.post("auth/register/", BODY)
    (message,) = relay()
    assert (message.to, message.subject) == (["ada@example.com"], f"Welcome to {PRODUCT.name}")
    user = User.objects.get()
    services.send_welcome_mail(user_id=user.pk)
    assert len(mail.outbox) == 1
    token = token_in(message)
    assert OneTimeToken.objects.get().digest == tokens.digest(token)
    assert public.post("auth/email/verify/", {"token": token}).status_code == 204
    user.refresh_from_db()
    assert user.is_verified
    assert code_of(public.post("auth/email/verify/", {"token": token})) == (400, "token_unusable")


def test_no_welcome_is_sent_to_a_missing_account(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)
    services.send_welcome_mail(user_id=user.pk)
    assert not mail.outbox
    assert not OneTimeToken.objects.exists()


def test_a_verification_link_expires_and_has_no_other_use(user: User, relay: Relay, public: Api) -> None:
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    services.send_welcome_mail(user_id=user.pk)
    token = token_in(mail.outbox[0])
    new = {"token": token, "password": PASSWORD}
    assert code_of(public.post("auth/password/reset/confirm/", new)) == (400, "token_unusable")
    with pytest.raises(exceptions.OneTimeTokenRefused):
        services.verify_email(token=token, now=timezone.now() + timedelta(days=2, seconds=1))
    with pytest.raises(exceptions.OneTimeTokenRefused):
        services.verify_email(token="x" + token)
    user.refresh_from_db()
    assert not user.is_verified


def test_names_of_all_scripts_are_accepted(public: Api) -> None:
    name = "नमस्ते 👩‍🚀 Ω O'Neil-Śmith"
    assert public.post("auth/register/", {**BODY, "name": name}).json()["name"] == name


def test_the_owner_of_a_known_address_is_not_flooded(settings: Any, clean_limits: None) -> None:
    settings.REGISTRATION_UNIFORM = True
    settings.IDENTITY_LIMITS = {"register": {"account": ("2/hour",)}}
    for spelling in ("ada@example.com", "ADA@example.com"):
        services.register_user(
            email=spelling, name="A", password=PASSWORD, device=Device(address="192.0.2.1")
        )
    with pytest.raises(exceptions.TooManyAttempts):
        services.register_user(
            email="ada@EXAMPLE.com", name="A", password=PASSWORD, device=Device(address="192.0.2.2")
        )


def test_registrations_of_one_address_are_limited(settings: Any, clean_limits: None) -> None:
    settings.IDENTITY_LIMITS = {"register": {"address": ("2/hour",)}}
    for number in range(2):
        services.register_user(
            email=f"a{number}@example.com", name="A", password=PASSWORD, device=Device(address="192.0.2.1")
        )
    with pytest.raises(exceptions.TooManyAttempts) as refused:
        services.register_user(
            email="b@example.com", name="B", password=PASSWORD, device=Device(address="192.0.2.1")
        )
    assert 0 < refused.value.retry_after <= 3960
    assert User.objects.count() == 2
    services.register_user(
        email="b@example.com", name="B", password=PASSWORD, device=Device(address="192.0.2.2")
    )


@pytest.mark.django_db(transaction=True)
def test_of_several_concurrent_registrations_one_succeeds() -> None:
    barrier = threading.Barrier(8)

    def register(number: int) -> str:
        email = "ada@example.com" if number % 2 else "ADA@Example.com"
        try:
            barrier.wait(10)
            services.register_user(email=email, name="Ada", password=PASSWORD, device=Device())
        except exceptions.EmailTaken:
            return "taken"
        finally:
            connection.close()
        return "made"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(register, range(8)))
    assert outcomes == ["made"] + ["taken"] * 7
    assert User.objects.count() == OutboxEvent.objects.count() == 1


@pytest.mark.campaign
@pytest.mark.django_db(transaction=True)
def test_two_workers_with_one_task_send_one_mail_without_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    is_sending, may_go_on = threading.Event(), threading.Event()
    real = EmailBackend.send_messages

    def slow(self: EmailBackend, messages: Any) -> int:
        is_sending.set()
        may_go_on.wait(10)
        return int(real(self, messages))

    monkeypatch.setattr(EmailBackend, "send_messages", slow)

    def work() -> None:
        try:
            services.send_welcome_mail(user_id=user.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(work)
        assert is_sending.wait(10)
        second = pool.submit(work)
        # The mail server is slow, and the user signs in meanwhile.
        services.login(email=user.email, password=PASSWORD, device=Device())
        may_go_on.set()
        first.result(10)
        second.result(10)
    assert len(mail.outbox) == 1
