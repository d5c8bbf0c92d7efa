"""A change of address needs the consent of both addresses. The verification mail can be sent again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from apps.common.database.ids import uuid7
from apps.common.models import AuditEvent, OutboxEvent
from apps.common.testing.clients import Api, code_of
from apps.common.testing.users import PASSWORD, UserFactory, caller_for, erase
from apps.users import exceptions, services
from apps.users.models import EmailChange, OneTimeToken, Purpose, User
from apps.users.tests.test_registration import token_in
from apps.users.types import Device

pytestmark = pytest.mark.django_db
As = Callable[[User], Api]
Relay = Callable[[], list[mail.EmailMessage]]
CONFIRM = "auth/email/change/confirm/"
WANTED = "grace.hopper@example.com"


def ask(user: User, email: str = WANTED) -> None:
    services.request_email_change(
        actor=caller_for(user), email=email, current_password=PASSWORD, device=Device()
    )


def links(mails: list[mail.EmailMessage]) -> dict[str, str]:
    """The tokens by the address of their mail."""
    return {message.to[0]: token_in(message) for message in mails}


@pytest.mark.parametrize("old_first", [True, False])
def test_both_addresses_agree(public: Api, private: As, user: User, relay: Relay, old_first: bool) -> None:
    old = user.email
    api = private(user)
    response = api.post("users/me/email/", {"email": WANTED.upper(), "current_password": PASSWORD})
    assert response.status_code == 202
    change = response.json()["change"]
    assert (change["email"], change["old_confirmed"], change["new_confirmed"]) == (WANTED, False, False)
    tokens = links(relay())
    assert set(tokens) == {old, WANTED}
    first, second = (old, WANTED) if old_first else (WANTED, old)
    assert public.post(CONFIRM, {"token": tokens[first]}).json() == {"completed": False}
    assert code_of(public.post(CONFIRM, {"token": tokens[first]})) == (400, "token_unusable")
    shown = api.get("users/me/email/").json()
    assert shown["email"] == old
    assert (shown["change"]["old_confirmed"], shown["change"]["new_confirmed"]) == (old_first, not old_first)
    assert public.post(CONFIRM, {"token": tokens[second]}).json() == {"completed": True}
    user.refresh_from_db()
    assert (user.email, user.is_verified) == (WANTED, True)
    assert api.get("users/me/email/").json() == {"email": WANTED, "email_verified": True, "change": None}
    told = relay()
    assert [(message.to, message.subject) for message in told] == [
        ([WANTED], "Your account has another address")
    ]
    with pytest.raises(exceptions.InvalidCredentials):
        services.login(email=old, password=PASSWORD, device=Device())
    services.login(email=WANTED, password=PASSWORD, device=Device())
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True))[:2] == [
        "users.email_change_requested",
        "users.email_changed",
    ]
    assert not AuditEvent.objects.filter(details__icontains="example.com").exists()


def test_a_change_requires_the_password(private: As, user: User) -> None:
    api = private(user)
    for body, expected in (
        ({"email": WANTED, "current_password": "wrong"}, (403, "wrong_password")),
        ({"email": user.email, "current_password": PASSWORD}, (409, "email_unchanged")),
        ({"email": "invalid", "current_password": PASSWORD}, (400, "invalid_input")),
        ({"current_password": PASSWORD}, (400, "invalid_input")),
    ):
        assert code_of(api.post("users/me/email/", body)) == expected
    assert not EmailChange.objects.exists() and not OutboxEvent.objects.exists()


def test_only_its_owner_learns_that_the_new_address_has_an_account(
    public: Api, private: As, user: User, relay: Relay
) -> None:
    other = UserFactory.create()
    answer = private(user).post("users/me/email/", {"email": other.email, "current_password": PASSWORD})
    assert answer.status_code == 202
    mails = {message.to[0]: message for message in relay()}
    assert mails[other.email].subject == "Someone tried to use your address"
    public.post(CONFIRM, {"token": token_in(mails[user.email])})
    assert not OneTimeToken.objects.filter(purpose=Purpose.EMAIL_NEW).exists()
    user.refresh_from_db()
    assert user.email != other.email


def test_an_account_that_registers_meanwhile_keeps_the_address(public: Api, user: User, relay: Relay) -> None:
    ask(user)
    tokens = links(relay())
    public.post(CONFIRM, {"token": tokens[user.email]})
    other = UserFactory.create(email=WANTED)
    assert code_of(public.post(CONFIRM, {"token": tokens[WANTED]})) == (409, "email_taken")
    user.refresh_from_db()
    assert user.email != WANTED
    assert User.objects.get(email=WANTED) == other


def test_a_new_request_cancels_the_previous_one(public: Api, user: User, relay: Relay) -> None:
    ask(user)
    before = links(relay())
    ask(user, "other@example.com")
    after = links(relay())
    for token in before.values():
        assert code_of(public.post(CONFIRM, {"token": token})) == (400, "token_unusable")
    assert [public.post(CONFIRM, {"token": token}).status_code for token in after.values()] == [200, 200]
    user.refresh_from_db()
    assert user.email == "other@example.com"


def test_no_mail_is_sent_for_a_replaced_request(user: User) -> None:
    ask(user)
    late = EmailChange.objects.get().old_request_id
    ask(user, "other@example.com")
    for request_id in (late, uuid7()):
        services.send_email_change_mail(user_id=user.pk, request_id=request_id)
    assert not mail.outbox and not OneTimeToken.objects.exists()
    current = EmailChange.objects.get().old_request_id
    for _ in range(2):
        services.send_email_change_mail(user_id=user.pk, request_id=current)
    assert len(mail.outbox) == 1


def test_the_owner_cancels_the_change(public: Api, private: As, user: User, relay: Relay) -> None:
    ask(user)
    tokens = links(relay())
    api = private(user)
    for _ in range(2):
        assert api.delete("users/me/email/").status_code == 204
    assert api.get("users/me/email/").json()["change"] is None
    for token in tokens.values():
        assert code_of(public.post(CONFIRM, {"token": token})) == (400, "token_unusable")
    assert AuditEvent.objects.filter(action="users.email_change_cancelled").count() == 1


@pytest.mark.parametrize("end", ["late", "deactivated", "erased"])
def test_a_change_ends_by_time_and_with_the_account(user: User, relay: Relay, end: str) -> None:
    ask(user)
    tokens, now, old = links(relay()), timezone.now(), user.email
    services.confirm_email_change(token=tokens[old])
    if end == "late":
        now += timedelta(hours=12)
    elif end == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        erase(user)
        assert not EmailChange.objects.exists()
    with pytest.raises(exceptions.OneTimeTokenRefused):
        services.confirm_email_change(token=tokens[WANTED], now=now)
    assert not User.objects.filter(email=WANTED).exists()
    services.delete_expired(now=now + timedelta(hours=12))
    assert not EmailChange.objects.exists()


def test_links_mailed_to_the_old_address_become_invalid(public: Api, user: User, relay: Relay) -> None:
    public.post("auth/password/reset/", {"email": user.email})
    reset = token_in(relay()[0])
    ask(user)
    for token in links(relay()).values():
        services.confirm_email_change(token=token)
    body = {"token": reset, "password": "another circle, far away"}
    assert code_of(public.post("auth/password/reset/confirm/", body)) == (400, "token_unusable")


def test_tokens_of_other_purposes_are_refused(public: Api, user: User, relay: Relay) -> None:
    public.post("auth/password/reset/", {"email": user.email})
    reset = token_in(relay()[0])
    ask(user)
    tokens = links(relay())
    assert code_of(public.post(CONFIRM, {"token": reset})) == (400, "token_unusable")
    assert code_of(public.post("auth/email/verify/", {"token": tokens[WANTED]})) == (400, "token_unusable")
    body = {"token": tokens[WANTED], "password": "another circle, far away"}
    assert code_of(public.post("auth/password/reset/confirm/", body)) == (400, "token_unusable")


def test_requests_are_limited(user: User, settings: Any, clean_limits: None) -> None:
    settings.IDENTITY_LIMITS = {"login": {"pair": ("9/hour",)}, "email": {"account": ("2/hour",)}}
    for number in range(2):
        ask(user, f"other{number}@example.com")
    with pytest.raises(exceptions.TooManyAttempts):
        ask(user)


def test_the_verification_mail_is_sent_again(public: Api, user: User, relay: Relay) -> None:
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    assert public.post("auth/email/resend/", {"email": user.email.upper()}).status_code == 202
    (message,) = relay()
    assert (message.to, message.subject) == ([user.email], "Verify your address")
    assert public.post("auth/email/verify/", {"token": token_in(message)}).status_code == 204
    user.refresh_from_db()
    assert user.is_verified


@pytest.mark.parametrize("kind", ["verified", "unverified", "unknown", "inactive", "garbage"])
def test_a_resend_has_the_same_answer_for_every_address(
    public: Api, user: User, relay: Relay, django_assert_num_queries: Any, kind: str
) -> None:
    User.objects.filter(pk=user.pk).update(
        email_verified_at=timezone.now() if kind == "verified" else None, is_active=kind != "inactive"
    )
    email = {"unknown": "nobody@example.com", "garbage": "no address"}.get(kind, user.email)
    with django_assert_num_queries(3 if kind == "garbage" else 4):
        response = public.post("auth/email/resend/", {"email": email})
    assert (response.status_code, response.json()) == (
        202,
        {"detail": "Look into your mail: what happens next is there."},
    )
    assert len(relay()) == (1 if kind == "unverified" else 0)


def test_resends_are_limited_equally_for_every_address(
    public: Api, user: User, settings: Any, clean_limits: None
) -> None:
    settings.IDENTITY_LIMITS = {"resend": {"account": ("2/hour",)}}
    for email in (user.email, "nobody@example.com", "no address"):
        statuses = [public.post("auth/email/resend/", {"email": email}).status_code for _ in range(3)]
        assert statuses == [202, 202, 429]
