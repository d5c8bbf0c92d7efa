"""Changing a password, by the old one or by a link in a mail. Either way every session ends."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import structlog
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from apps.common import audit, events
from apps.common.callers import Caller
from apps.common.database.ids import uuid7
from apps.users import email_addresses, exceptions, limits
from apps.users.events import PasswordChanged, PasswordResetRequested
from apps.users.models import OneTimeToken, Purpose, SessionEnd, User
from apps.users.services import one_time, password_rules, reauthentication, sessions
from apps.users.types import AuditAction, Device

_log = structlog.get_logger("security")


def change_password(
    *, actor: Caller, current_password: str, new_password: str, device: Device, now: datetime | None = None
) -> None:
    """Replace the actor's password. All sessions end, the current one included.

    Raises:
        WrongPassword: the current password is wrong. Attempts count like those to sign in.
        PasswordRefused, TooManyAttempts, HashingBusy: see there.
    """
    user: User = actor.user
    old = reauthentication.require_password(actor=actor, password=current_password, device=device)
    password_rules.check_new_password(new_password, user=user, field="new_password")
    encoded = make_password(new_password)
    with transaction.atomic():
        _set_password(user_id=user.pk, encoded=encoded, old=old, now=now or timezone.now())


def request_password_reset(*, email: str, device: Device, now: datetime | None = None) -> None:
    """Send a reset link to the address, if it has an account. Answer and cost are the same for an unknown one.

    Raises TooManyAttempts.
    """
    try:
        address = email_addresses.canonical(email)
    except email_addresses.InvalidEmail:
        address = ""
    limits.count_attempt(
        "reset", address=device.address, account=address or email[: email_addresses.MAX_LENGTH]
    )
    with transaction.atomic():
        user_id = User.objects.filter(email=address).values_list("pk", flat=True).first() if address else None
        events.publish(PasswordResetRequested(user_id=user_id or uuid4(), request_id=uuid7()))
    _log.info("users.password_reset_requested", user_id=str(user_id or ""))


def confirm_password_reset(*, token: str, password: str, now: datetime | None = None) -> None:
    """Set a new password by the token of a mail, which also verifies the address. All sessions end.

    A refused password does not use the token up.

    Raises OneTimeTokenRefused, PasswordRefused, HashingBusy.
    """
    now = now or timezone.now()
    user = User.objects.defer("phone").get(
        pk=one_time.find(token=token, purpose=Purpose.RESET_PASSWORD, now=now)
    )
    password_rules.check_new_password(password, user=user)
    encoded = make_password(password)
    with transaction.atomic():
        one_time.redeem(token=token, purpose=Purpose.RESET_PASSWORD, now=now)
        User.objects.filter(pk=user.pk, email_verified_at=None).update(email_verified_at=now)
        _set_password(user_id=user.pk, encoded=encoded, old=None, now=now)


def _set_password(*, user_id: UUID, encoded: str, old: str | None, now: datetime) -> None:
    """Write the hash, end every session, void every other reset link. Runs in the caller's transaction.

    Raises WrongPassword when `old` is given and is no longer the account's hash, after a concurrent change.
    """
    # Lock the account first: a concurrent sign-in with the old password waits, and then fails.
    accounts = User.objects.able_to_sign_in().select_for_update(no_key=True).filter(pk=user_id)
    if old is not None:
        accounts = accounts.filter(password=old)
    if accounts.values_list("pk").first() is None:
        raise exceptions.WrongPassword
    User.objects.filter(pk=user_id).update(password=encoded, updated_at=now)
    sessions.end_all_sessions(user_id=user_id, reason=SessionEnd.PASSWORD, now=now)
    OneTimeToken.objects.usable(now).filter(user_id=user_id, purpose=Purpose.RESET_PASSWORD).update(
        used_at=now
    )
    events.publish(PasswordChanged(user_id=user_id, change_id=uuid7()))
    audit.record(
        action=AuditAction.PASSWORD_CHANGED,
        actor_id=user_id,
        target="user",
        target_id=user_id,
        details={"by": "link" if old is None else "old password"},
    )
    _log.warning("users.password_changed", user_id=str(user_id))
