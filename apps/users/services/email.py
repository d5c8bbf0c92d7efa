"""The address of an account: its verification, and its change.

A change requires the password and confirmation at both addresses. The old one has to agree, since the holder of a session
and a password could otherwise take over the account; the new one, since the account can be recovered there from then on.
Sessions are kept.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common import audit, events
from apps.common.callers import Caller
from apps.common.database.ids import uuid7
from apps.users import email_addresses, exceptions, limits
from apps.users.events import EmailChanged, EmailChangeRequested, VerificationRequested
from apps.users.models import EmailChange, OneTimeToken, Purpose, User
from apps.users.services import one_time, reauthentication
from apps.users.types import AuditAction, Device

_log = structlog.get_logger("security")
_LINKS = (Purpose.EMAIL_OLD, Purpose.EMAIL_NEW)


def resend_verification(*, email: str, device: Device) -> None:
    """Send the verification link again, if there is an address to verify. Otherwise answer and cost are the same.

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
    """Verify the address by the token of a mail. Raises OneTimeTokenRefused."""
    now = now or timezone.now()
    with transaction.atomic():
        user_id = one_time.redeem(token=token, purpose=Purpose.VERIFY_EMAIL, now=now)
        User.objects.filter(pk=user_id, email_verified_at=None).update(email_verified_at=now, updated_at=now)
        audit.record(action=AuditAction.EMAIL_VERIFIED, actor_id=user_id, target="user", target_id=user_id)
    _log.info("users.email_verified", user_id=str(user_id))


def request_email_change(
    *, actor: Caller, email: str, current_password: str, device: Device, now: datetime | None = None
) -> EmailChange:
    """Request confirmation at both addresses. Earlier links are void. The caller does not learn whether the new address is taken.

    Raises InvalidEmail, EmailUnchanged, TooManyAttempts, and as `require_owner` does.
    """
    now = now or timezone.now()
    address = email_addresses.mailable(email)
    user: User = actor.user
    reauthentication.require_owner(actor=actor, password=current_password, device=device, now=now)
    if address == user.email:
        raise exceptions.EmailUnchanged
    limits.count_attempt("email", address=device.address, account=user.email)
    with transaction.atomic():
        _void_links(user.pk, now)
        change, _ = EmailChange.objects.update_or_create(
            user=user,
            defaults={
                "email": address,
                "old_request_id": uuid7(),
                "new_request_id": uuid7(),
                "old_confirmed_at": None,
                "new_confirmed_at": None,
                "created_at": now,
                "expires_at": now + settings.EMAIL_CHANGE_LIFETIME,
            },
        )
        events.publish(
            EmailChangeRequested(
                user_id=user.pk,
                old_request_id=change.old_request_id,
                new_request_id=change.new_request_id,
            )
        )
        _record(AuditAction.EMAIL_CHANGE_REQUESTED, user.pk)
    return change


def cancel_email_change(*, actor: Caller, now: datetime | None = None) -> None:
    """Void the links of a pending change. Does nothing without one."""
    now = now or timezone.now()
    with transaction.atomic():
        _void_links(actor.user.pk, now)
        if EmailChange.objects.filter(user=actor.user).delete()[0]:
            _record(AuditAction.EMAIL_CHANGE_CANCELLED, actor.user.pk)


def confirm_email_change(*, token: str, now: datetime | None = None) -> bool:
    """Confirm one address; after both, the address changes. Returns whether it has changed.

    Raises:
        OneTimeTokenRefused: the link is unknown, expired, used, or of a request that was replaced.
        EmailTaken: the new address was registered meanwhile.
    """
    now = now or timezone.now()
    try:
        with transaction.atomic():
            purpose, user_id = _redeem(token, now)
            # Lock the account first, as everywhere: a concurrent sign-in waits, or finds the old address.
            user = User.objects.select_for_update(no_key=True).defer("phone").get(pk=user_id)
            change = EmailChange.objects.filter(user_id=user_id, expires_at__gt=now).first()
            if change is None:
                raise exceptions.OneTimeTokenRefused
            if purpose is Purpose.EMAIL_OLD:
                change.old_confirmed_at = now
            else:
                change.new_confirmed_at = now
            change.save(update_fields=["old_confirmed_at", "new_confirmed_at", "updated_at"])
            if change.old_confirmed_at is None or change.new_confirmed_at is None:
                return False
            _move(user, change, now)
    except IntegrityError:
        raise exceptions.EmailTaken from None
    _log.warning("users.email_changed", user_id=str(user_id))
    return True


def _redeem(token: str, now: datetime) -> tuple[Purpose, UUID]:
    for purpose in _LINKS:
        try:
            return purpose, one_time.redeem(token=token, purpose=purpose, now=now)
        except exceptions.OneTimeTokenRefused:
            continue
    raise exceptions.OneTimeTokenRefused


def _move(user: User, change: EmailChange, now: datetime) -> None:
    user.email, user.email_verified_at, user.updated_at = change.email, now, now
    user.save(update_fields=["email", "email_verified_at", "updated_at"])
    change.delete()
    # Links that were mailed to the old address are void.
    OneTimeToken.objects.usable(now).filter(user=user).update(used_at=now)
    events.publish(EmailChanged(user_id=user.pk, change_id=uuid7()))
    _record(AuditAction.EMAIL_CHANGED, user.pk)


def _void_links(user_id: UUID, now: datetime) -> None:
    OneTimeToken.objects.usable(now).filter(user_id=user_id, purpose__in=_LINKS).update(used_at=now)


def _record(action: AuditAction, user_id: UUID) -> None:
    audit.record(action=action, actor_id=user_id, target="user", target_id=user_id)
