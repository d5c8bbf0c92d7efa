"""Texts of mails about an account. Mails to unconfirmed addresses have no text that the account has chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from uuid import uuid4

import pytest
from celery import current_app
from django.core import mail
from django.utils import timezone

from apps.common.database.ids import uuid7
from apps.common.events import Event
from apps.common.testing.events import tasks_of
from apps.common.testing.users import UserFactory
from apps.users import services
from apps.users.events import (
    EmailChanged,
    ErasureCancelled,
    ErasureRequested,
    IdentityLinked,
    IdentityUnlinked,
    PasswordChanged,
    PasswordResetRequested,
    RecoveryCodeUsed,
    RefreshTokenReused,
    RegistrationRepeated,
    SecondFactorDisabled,
    SecondFactorEnabled,
    UserRegistered,
    VerificationRequested,
)
from apps.users.models import EmailChange, User
from apps.users.services.mails import NOTICES

pytestmark = pytest.mark.django_db
LURE = "Claim your prize at http://evil.example/win now"


def change_for(user: User) -> EmailChange:
    """A change of address that has begun, to an address that reads like an instruction."""
    return EmailChange.objects.create(
        user=user,
        email="visit/evil.example/now@example.org",
        old_request_id=uuid4(),
        new_request_id=uuid4(),
        expires_at=timezone.now() + timedelta(hours=1),
    )


def to_old(user: User) -> None:
    services.send_email_change_mail(user_id=user.pk, request_id=change_for(user).old_request_id)


def to_new(user: User) -> None:
    services.send_email_change_mail(user_id=user.pk, request_id=change_for(user).new_request_id)


def to_taken(user: User) -> None:
    change = change_for(UserFactory.create())
    User.objects.filter(pk=user.pk).update(email=change.email)
    services.send_email_change_mail(user_id=change.user_id, request_id=change.new_request_id)


MAILS: list[Callable[[User], None]] = [
    lambda user: services.send_welcome_mail(user_id=user.pk),
    lambda user: services.send_verification_mail(user_id=user.pk, request_id=uuid4()),
    lambda user: services.send_password_reset_mail(user_id=user.pk, request_id=uuid4()),
    to_old,
    to_new,
    to_taken,
    *(
        lambda user, notice=notice: services.send_notice(notice=notice, user_id=user.pk)
        for notice in sorted(NOTICES)
    ),
]


def said() -> str:
    """Subject and texts of the one mail."""
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    return f"{message.subject}\n{message.body}\n{message.alternatives[0][0]!s}"


@pytest.mark.parametrize("send", MAILS)
def test_text_of_an_unconfirmed_account_is_not_mailed(send: Callable[[User], None]) -> None:
    send(UserFactory.create(name=LURE, email_verified_at=None))
    words = said()
    assert [word for word in ("Claim", "evil", "win") if word in words] == []
    assert words.count("Hello,") == 2


def test_a_mail_to_an_unconfirmed_address_has_no_name() -> None:
    to_new(UserFactory.create(name=LURE))
    assert "evil" not in said()


@pytest.mark.parametrize("send", [mail_ for mail_ in MAILS[2:] if mail_ is not to_new])
def test_a_mail_to_a_confirmed_address_has_the_name(send: Callable[[User], None]) -> None:
    send(UserFactory.create(name="Bits & Bytes' Shop"))
    words = said()
    assert "Hello Bits & Bytes' Shop,\n" in words
    assert "Hello Bits &amp; Bytes&#x27; Shop,</p>" in words


def test_subjects_name_the_product_of_the_settings(settings: object) -> None:
    settings.PRODUCT_NAME = "Menhir"  # type: ignore[attr-defined]
    services.send_welcome_mail(user_id=UserFactory.create(email_verified_at=None).pk)
    assert mail.outbox[0].subject == "Welcome to Menhir"


@pytest.mark.parametrize(
    "event_type",
    [
        UserRegistered,
        VerificationRequested,
        PasswordResetRequested,
        RegistrationRepeated,
        PasswordChanged,
        RefreshTokenReused,
        SecondFactorEnabled,
        SecondFactorDisabled,
        RecoveryCodeUsed,
        EmailChanged,
        IdentityLinked,
        IdentityUnlinked,
        ErasureCancelled,
        ErasureRequested,
    ],
)
def test_a_mail_is_sent_once_for_its_event_however_often_its_task_is_delivered(
    user: User, event_type: type[Event]
) -> None:
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    names = [one.name for one in fields(event_type)]  # type: ignore[arg-type]  # events are dataclasses
    ids = {name: user.pk if name == "user_id" else uuid7() for name in names}
    ((name, arguments),) = tasks_of(event_type(**ids)).items()
    for _ in range(3):
        current_app.tasks[name].run(**arguments)
    (sent,) = mail.outbox
    cause = arguments.get("event_id") or arguments.get("request_id") or arguments["user_id"]
    assert sent.message()["Message-ID"].partition("@")[0].endswith(f".{cause}")
