"""Erasure of the own account: requested with reauthentication, cancelled by signing in, done after a grace period."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.common import audit, events
from apps.common.callers import Caller, CallerKind
from apps.common.database.ids import uuid7
from apps.users.events import ErasureCancelled, ErasureRequested, UserActivated, UserDeactivated
from apps.users.models import User
from apps.users.services import administration, reauthentication, second_factor
from apps.users.types import AuditAction, Device

_log = structlog.get_logger("security")


def request_erasure(
    *,
    actor: Caller,
    current_password: str,
    code: str,
    with_content: bool,
    device: Device,
    now: datetime | None = None,
) -> None:
    """Deactivate the actor's account, and have it erased after ERASURE_GRACE.

    Args:
        current_password: Required unless a code of the second factor is given; accounts without a password must have signed
            in within the last ten minutes instead.
        code: A code of the second factor, or empty.
        with_content: Whether texts and files that the account posted are erased as well. Otherwise they are kept under the
            name of a deleted account.

    Raises LastAdmin, and as `reauthentication.require_owner` and `second_factor.check_second_factor` do.
    """
    now = now or timezone.now()
    if code:
        second_factor.check_second_factor(user=actor.user, code=code, device=device, now=now)
    else:
        reauthentication.require_owner(actor=actor, password=current_password, device=device, now=now)
    with transaction.atomic():
        user = administration.lock_for_end(user_id=actor.user.pk)
        user.is_active, user.updated_at = False, now
        user.erase_at, user.erase_content = now + settings.ERASURE_GRACE, with_content
        if not settings.ERASURE_GRACE:
            _erase(user, now=now)
            return
        administration.end_everything(user=user, now=now)
        user.save(update_fields=["is_active", "erase_at", "erase_content", "updated_at"])
        events.publish(UserDeactivated(user_id=user.pk))
        events.publish(ErasureRequested(user_id=user.pk, request_id=uuid7()))
        audit.record(action=AuditAction.ERASURE_REQUESTED, actor_id=user.pk, target="user", target_id=user.pk)
    _log.warning("users.erasure_requested", user_id=str(user.pk))


def cancel(*, user: User, now: datetime) -> None:
    """Cancel the erasure when the owner signs in; in the caller's transaction, which has locked the row."""
    user.is_active, user.erase_at, user.erase_content, user.updated_at = True, None, False, now
    user.save(update_fields=["is_active", "erase_at", "erase_content", "updated_at"])
    events.publish(UserActivated(user_id=user.pk))
    events.publish(ErasureCancelled(user_id=user.pk, cancel_id=uuid7()))
    audit.record(action=AuditAction.ERASURE_CANCELLED, actor_id=user.pk, target="user", target_id=user.pk)
    _log.warning("users.erasure_cancelled", user_id=str(user.pk))


def erase_due(*, now: datetime | None = None) -> int:
    """Erase the accounts whose grace period is over, each in a transaction. Returns their number."""
    now = now or timezone.now()
    count = 0
    for user_id in User.objects.filter(erase_at__lte=now).order_by("erase_at").values_list("pk", flat=True):
        count += _erase_one(user_id, now)
    return count


@transaction.atomic
def _erase_one(user_id: UUID, now: datetime) -> bool:
    # A concurrent sign-in or another worker may have been first.
    due = User.objects.select_for_update(no_key=True).filter(pk=user_id, erase_at__lte=now).first()
    if due is not None:
        _erase(due, now=now)
    return due is not None


def _erase(user: User, *, now: datetime) -> None:
    administration.erase(
        actor=Caller(kind=CallerKind.USER, user=user),
        user_id=user.pk,
        with_content=user.erase_content,
        now=now,
    )
