"""Administration of accounts: change, deactivate, activate, erase. One active admin always remains."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone

from apps.common import audit, events
from apps.common.callers import Caller, CallerKind
from apps.common.http import idempotency
from apps.users import exceptions, policies
from apps.users.events import AvatarDiscarded, UserActivated, UserDeactivated, UserErased
from apps.users.models import (
    EmailChange,
    Identity,
    OneTimeToken,
    ProviderSignIn,
    RecoveryCode,
    Role,
    SecondFactor,
    Session,
    SessionEnd,
    User,
)
from apps.users.services import names, sessions
from apps.users.types import AccountChanges, AuditAction, Permission

_log = structlog.get_logger("security")


def update_user(
    *, actor: Caller, user_id: UUID, changes: AccountChanges, now: datetime | None = None
) -> User:
    """Apply `changes`; a change of `is_active` deactivates or activates with all consequences.

    Raises UserNotFound; RankTooLow for an account or a role above the actor's; RoleUnknown; OwnAccount when an admin would
    lock themselves out.
    """
    policies.require(actor=actor, permission=Permission.MANAGE)
    now = now or timezone.now()
    with transaction.atomic():
        admins = _lock_admins()
        user = _lock(user_id)
        policies.require_rank(actor=actor, role=user.role)
        is_active = changes.get("is_active", user.is_active)
        role = changes.get("role", user.role)
        if role != user.role or not is_active:
            policies.require_other(actor=actor.user, user_id=user.pk)
        if user.role == Role.ADMIN and not (is_active and role == Role.ADMIN):
            _require_admin_still(actor=actor, admins=admins)
        if role != user.role:
            _require_role(role)
            policies.require_rank(actor=actor, role=role)
            if is_active:
                # Sessions end, so that the next sign-in has the new role's permissions.
                sessions.end_all_sessions(user_id=user.pk, reason=SessionEnd.ROLE, now=now)
            _log.warning("users.role_changed", user_id=str(user.pk), by=str(actor.user.pk), role=str(role))
            _record(AuditAction.ROLE_CHANGED, actor=actor, user=user, role=str(role), before=str(user.role))
        if "name" in changes:
            user.name = names.clean_name(changes["name"], before=user.name, by_admin=True)
        user.role = role
        if is_active and not user.is_active:
            events.publish(UserActivated(user_id=user.pk))
            _log.warning("users.activated", user_id=str(user.pk), by=str(actor.user.pk))
            _record(AuditAction.ACTIVATED, actor=actor, user=user)
        elif user.is_active and not is_active:
            end_everything(user=user, now=now)
            events.publish(UserDeactivated(user_id=user.pk))
            _log.warning("users.deactivated", user_id=str(user.pk), by=str(actor.user.pk))
            _record(AuditAction.DEACTIVATED, actor=actor, user=user)
        user.is_active, user.updated_at = is_active, now
        if is_active:
            user.erase_at, user.erase_content = None, False
        user.save(update_fields=["name", "role", "is_active", "erase_at", "erase_content", "updated_at"])
    return user


def deactivate_user(*, actor: Caller, user_id: UUID, now: datetime | None = None) -> User:
    """Deactivate an account: its sessions end, and it cannot sign in. Raises as `update_user` does."""
    return update_user(actor=actor, user_id=user_id, changes={"is_active": False}, now=now)


def activate_user(*, actor: Caller, user_id: UUID, now: datetime | None = None) -> User:
    """Activate an account again; earlier sessions stay ended. Raises UserNotFound."""
    return update_user(actor=actor, user_id=user_id, changes={"is_active": True}, now=now)


def erase_user(*, actor: Caller, user_id: UUID, now: datetime | None = None) -> None:
    """Erase another user's account. Raises UserNotFound, OwnAccount, RankTooLow."""
    policies.require(actor=actor, permission=Permission.ERASE)
    policies.require_other(actor=actor.user, user_id=user_id)
    with transaction.atomic():
        policies.require_rank(actor=actor, role=_lock(user_id).role)
        erase(actor=actor, user_id=user_id, now=now or timezone.now())


def lock_for_end(*, user_id: UUID) -> User:
    """Lock the account, unless it is the last admin. Raises UserNotFound, LastAdmin."""
    admins = _lock_admins()
    user = _lock(user_id)
    if admins == {user.pk}:
        raise exceptions.LastAdmin
    return user


def erase(*, actor: Caller, user_id: UUID, now: datetime, with_content: bool = False) -> None:
    """Remove all personal data of an account: address, name, phone, picture, password, sessions and tokens.

    Its posts stay, unless `with_content` has the slices erase them as well. Raises UserNotFound, LastAdmin.
    """
    with transaction.atomic():
        user = lock_for_end(user_id=user_id)
        end_everything(user=user, now=now)
        if user.avatar:
            events.publish(AvatarDiscarded(file=user.avatar))
        Session.objects.filter(user=user).delete()
        OneTimeToken.objects.filter(user=user).delete()
        EmailChange.objects.filter(user=user).delete()
        Identity.objects.filter(user=user).delete()
        ProviderSignIn.objects.filter(user=user).delete()
        SecondFactor.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        # `.invalid` is never assigned (RFC 2606).
        user.email, user.name = f"erased-{user.pk}@erased.invalid", names.ERASED_NAME
        user.phone, user.avatar, user.role, user.email_verified_at = None, "", Role.USER, None
        user.second_factor_at = None
        user.password = make_password(None)
        user.is_active, user.erased_at, user.updated_at = False, now, now
        user.erase_at, user.erase_content = None, False
        user.save()
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk)
        ).update(object_repr=names.ERASED_NAME)
        idempotency.forget(caller=Caller(kind=CallerKind.USER, user=user))
        events.publish(UserErased(user_id=user.pk, with_content=with_content))
        _record(AuditAction.ERASED, actor=actor, user=user)
    _log.warning("users.erased", user_id=str(user_id))


def _record(action: AuditAction, *, actor: Caller, user: User, **details: str) -> None:
    audit.record(action=action, actor_id=actor.user.pk, target="user", target_id=user.pk, details=details)


def _lock(user_id: UUID) -> User:
    user = User.objects.existing().select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None:
        raise exceptions.UserNotFound
    return user


def _lock_admins() -> set[UUID]:
    """Lock the active admins until the commit: of two admins who demote each other at once, only one succeeds."""
    held = User.objects.active_admins().order_by("pk").select_for_update(no_key=True)
    return set(held.values_list("pk", flat=True))


def _require_role(code: str) -> None:
    """Lock the role, so that it still exists at the commit. Raises RoleUnknown."""
    if Role.objects.select_for_update(no_key=True).filter(code=code).first() is None:
        raise exceptions.RoleUnknown


def _require_admin_still(*, actor: Caller, admins: set[UUID]) -> None:
    """Raises UserNotFound when the actor was demoted since the request began.

    An actor who is still an admin and acts on another account remains as an admin.
    """
    if actor.user.pk not in admins:
        raise exceptions.UserNotFound


def end_everything(*, user: User, now: datetime) -> None:
    sessions.end_all_sessions(user_id=user.pk, reason=SessionEnd.DEACTIVATED, now=now)
    user.signed_out_at = now
    OneTimeToken.objects.usable(now).filter(user=user).update(used_at=now)
