"""Registration, and the proof that mail to the address arrives."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common import audit, events
from apps.common.database.ids import uuid7
from apps.users import email_addresses, exceptions, limits
from apps.users.events import RegistrationRepeated, UserRegistered, VerificationRequested
from apps.users.models import Purpose, User
from apps.users.services import one_time, password_rules
from apps.users.types import AuditAction, Device

_log = structlog.get_logger("security")


def register_user(
    *, email: str, name: str, password: str, device: Device, now: datetime | None = None
) -> User | None:
    """Make an account; a mail with the verification link follows.

    With REGISTRATION_UNIFORM the result is None, for new and for known addresses: what happened is told by mail alone.

    Raises:
        InvalidEmail, PasswordRefused, TooManyAttempts, HashingBusy: see there.
        EmailTaken: the address has an account, and REGISTRATION_UNIFORM is off.
    """
    address = email_addresses.canonical(email)
    # Where a known address is told by mail, its owner must not be flooded from many places.
    account = address if settings.REGISTRATION_UNIFORM else ""
    limits.count_attempt("register", address=device.address, account=account)
    user = User(email=address, name=name, created_at=now or timezone.now())
    password_rules.check_new_password(password, user=user)
    if not settings.REGISTRATION_UNIFORM and User.objects.filter(email=address).exists():
        raise exceptions.EmailTaken
    user.password = make_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            events.publish(UserRegistered(user_id=user.pk))
            audit.record(action=AuditAction.REGISTERED, actor_id=user.pk, target="user", target_id=user.pk)
    except IntegrityError:
        # The unique address decides, also between two that register at once.
        if not settings.REGISTRATION_UNIFORM:
            raise exceptions.EmailTaken from None
        _tell_owner(address)
    else:
        _log.info("users.registered", user_id=str(user.pk))
    return None if settings.REGISTRATION_UNIFORM else user


def _tell_owner(address: str) -> None:
    with transaction.atomic():
        user_id = User.objects.values_list("pk", flat=True).get(email=address)
        events.publish(RegistrationRepeated(user_id=user_id, request_id=uuid7()))


def resend_verification(*, email: str, device: Device) -> None:
    """Have the link sent once more, if there is an address to verify. Otherwise answer and work are the same.

    Raises TooManyAttempts.
    """
    try:
        address = email_addresses.canonical(email)
    except email_addresses.InvalidEmail:
        address = ""
    limits.count_attempt(
        "resend", address=device.address, account=address or email[: email_addresses.MAX_LENGTH]
    )
    with transaction.atomic():
        user_id = User.objects.filter(email=address).values_list("pk", flat=True).first() if address else None
        events.publish(VerificationRequested(user_id=user_id or uuid4(), request_id=uuid7()))


def verify_email(*, token: str, now: datetime | None = None) -> None:
    """Take the token of a mail as proof that the address is the account's. Raises OneTimeTokenRefused."""
    now = now or timezone.now()
    with transaction.atomic():
        user_id = one_time.redeem(token=token, purpose=Purpose.VERIFY_EMAIL, now=now)
        User.objects.filter(pk=user_id, email_verified_at=None).update(email_verified_at=now, updated_at=now)
        audit.record(action=AuditAction.EMAIL_VERIFIED, actor_id=user_id, target="user", target_id=user_id)
    _log.info("users.email_verified", user_id=str(user_id))
