"""The second factor: setup, confirmation, verification, removal; and recovery codes."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.common import audit, events
from apps.common.callers import Caller
from apps.common.database.ids import uuid7
from apps.users import exceptions, limits, policies, selectors
from apps.users.events import RecoveryCodeUsed, SecondFactorDisabled, SecondFactorEnabled
from apps.users.models import RecoveryCode, SecondFactor, SessionEnd, User
from apps.users.services import reauthentication, sessions
from apps.users.types import AuditAction, Device, Enrolment, Permission
from infrastructure import token
from infrastructure.token import totp

RECOVERY_CODES: Final = 10
_log = structlog.get_logger("security")


def begin_second_factor(
    *, actor: Caller, current_password: str, device: Device, now: datetime | None = None
) -> Enrolment:
    """Create a secret for an authenticator app. It protects nothing until a code of it was confirmed; each call replaces it.

    Raises SecondFactorEnabled, and as `require_owner` does.
    """
    now = now or timezone.now()
    reauthentication.require_owner(actor=actor, password=current_password, device=device, now=now)
    user: User = actor.user
    secret = totp.new_secret()
    with transaction.atomic():
        _hold(user.pk)
        factor = SecondFactor.objects.filter(user=user).first() or SecondFactor(user=user)
        if factor.confirmed_at is not None:
            raise exceptions.SecondFactorEnabled
        factor.secret = secret
        factor.save()
    uri = totp.uri(secret, account=user.email, issuer=settings.PRODUCT_NAME)
    return Enrolment(secret=secret, uri=uri, qr_code=totp.qr_code(uri))


def confirm_second_factor(
    *, actor: Caller, code: str, device: Device, now: datetime | None = None
) -> list[str]:
    """Require it from now on. Every other session ends; this one has confirmed it. Returns the recovery codes, once.

    Raises SecondFactorMissing, SecondFactorEnabled, WrongCode, TooManyAttempts.
    """
    now = now or timezone.now()
    user: User = actor.user
    _count(user, device)
    with transaction.atomic():
        _hold(user.pk)
        factor = SecondFactor.objects.filter(user=user).first()
        if factor is None:
            raise exceptions.SecondFactorMissing
        if factor.confirmed_at is not None:
            raise exceptions.SecondFactorEnabled
        if not _take_app_code(factor, code, now):
            raise exceptions.WrongCode
        SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=now, updated_at=now)
        User.objects.filter(pk=user.pk).update(second_factor_at=now, updated_at=now)
        codes = _renew_codes(user, now)
        sessions.end_other_sessions(actor=actor, reason=SessionEnd.SECOND_FACTOR, now=now)
        events.publish(SecondFactorEnabled(user_id=user.pk, change_id=uuid7()))
        _record(AuditAction.SECOND_FACTOR_ENABLED, actor_id=user.pk, user_id=user.pk)
    return codes


def disable_second_factor(
    *, actor: Caller, current_password: str, code: str, device: Device, now: datetime | None = None
) -> None:
    """Require only the password again. Every other session ends.

    Raises SecondFactorMissing, WrongCode, TooManyAttempts, and as `require_owner` does.
    """
    now = now or timezone.now()
    reauthentication.require_owner(actor=actor, password=current_password, device=device, now=now)
    user: User = actor.user
    check_second_factor(user=user, code=code, device=device, now=now)
    with transaction.atomic():
        _hold(user.pk)
        sessions.end_other_sessions(actor=actor, reason=SessionEnd.SECOND_FACTOR, now=now)
        _remove(actor_id=user.pk, user_id=user.pk, now=now)


def remove_second_factor_of(*, actor: Caller, user_id: UUID, now: datetime | None = None) -> None:
    """As an admin, remove the second factor of a user who has lost both app and codes. All sessions of the account end.

    Raises UserNotFound, RankTooLow; OwnAccount, since admins confirm their own codes like every user; SecondFactorMissing.
    """
    policies.require(actor=actor, permission=Permission.MANAGE)
    policies.require_other(actor=actor.user, user_id=user_id)
    now = now or timezone.now()
    user = selectors.get_user(user_id=user_id)
    policies.require_rank(actor=actor, role=user.role)
    with transaction.atomic():
        _hold(user.pk)
        if not SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists():
            raise exceptions.SecondFactorMissing
        sessions.end_all_sessions(user_id=user.pk, reason=SessionEnd.SECOND_FACTOR, now=now)
        _remove(actor_id=actor.user.pk, user_id=user.pk, now=now)


def renew_recovery_codes(
    *, actor: Caller, current_password: str, code: str, device: Device, now: datetime | None = None
) -> list[str]:
    """Replace the recovery codes. Raises as `disable_second_factor` does."""
    now = now or timezone.now()
    reauthentication.require_owner(actor=actor, password=current_password, device=device, now=now)
    user: User = actor.user
    check_second_factor(user=user, code=code, device=device, now=now)
    with transaction.atomic():
        codes = _renew_codes(user, now)
        _record(AuditAction.RECOVERY_CODES_RENEWED, actor_id=user.pk, user_id=user.pk)
    return codes


def check_second_factor(*, user: User, code: str, device: Device, now: datetime | None = None) -> str:
    """Use up a code of the authenticator app, or a recovery code. Returns its kind: `totp`, `recovery_code`.

    Raises SecondFactorMissing, WrongCode, TooManyAttempts.
    """
    now = now or timezone.now()
    _count(user, device)
    with transaction.atomic():
        factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
        if factor is None:
            raise exceptions.SecondFactorMissing
        method = _take_any_code(factor, code, now)
        if not method:
            _record(AuditAction.SECOND_FACTOR_REFUSED, actor_id=None, user_id=user.pk)
    if not method:
        _log.info("users.second_factor_refused", user_id=str(user.pk))
        raise exceptions.WrongCode
    return method


def _take_any_code(factor: SecondFactor, code: str, now: datetime) -> str:
    """Use up a code. Returns its kind; empty for an invalid one."""
    typed = token.typed_code(code)
    if len(typed) == totp.DIGITS:
        return "totp" if _take_app_code(factor, typed, now) else ""
    # The count of the DELETE decides: of concurrent calls only one deletes the row.
    taken, _ = RecoveryCode.objects.filter(user_id=factor.user_id, digest=token.digest(typed)).delete()
    if not taken:
        return ""
    events.publish(RecoveryCodeUsed(user_id=factor.user_id, use_id=uuid7()))
    return "recovery_code"


def _take_app_code(factor: SecondFactor, code: str, now: datetime) -> bool:
    """Use up a code of the app. False when it, or a later one, was used before."""
    step = totp.matching_step(factor.secret, code, now)
    if step is None:
        return False
    fresh = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step)
    return bool(fresh.update(last_step=step, updated_at=now))


def _renew_codes(user: User, now: datetime) -> list[str]:
    codes = [token.new_typed_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=token.digest(token.typed_code(code)), created_at=now) for code in codes
    )
    return codes


def _remove(*, actor_id: UUID, user_id: UUID, now: datetime) -> None:
    SecondFactor.objects.filter(user_id=user_id).delete()
    RecoveryCode.objects.filter(user_id=user_id).delete()
    User.objects.filter(pk=user_id).update(second_factor_at=None, updated_at=now)
    events.publish(SecondFactorDisabled(user_id=user_id, change_id=uuid7()))
    _record(AuditAction.SECOND_FACTOR_DISABLED, actor_id=actor_id, user_id=user_id)


def _hold(user_id: UUID) -> None:
    """Lock the account's row until the commit."""
    User.objects.select_for_update(no_key=True).filter(pk=user_id).values_list("pk").first()


def _count(user: User, device: Device) -> None:
    limits.count_attempt(
        "second_factor",
        address=device.address,
        account=user.email,
        is_known=lambda: selectors.was_signed_in_from(email=user.email, address=device.address),
    )


def _record(action: AuditAction, *, actor_id: UUID | None, user_id: UUID) -> None:
    audit.record(action=action, actor_id=actor_id, target="user", target_id=user_id)
