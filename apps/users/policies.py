"""Who may do what to which account. Each question is asked before the account is fetched, so that "may not" and "is
not there" are one answer wherever existence must not leak."""

from __future__ import annotations

from uuid import UUID

from apps.common.callers import Caller, CallerKind
from apps.users import exceptions
from apps.users.models import User


def may_see(*, actor: Caller, user_id: UUID) -> bool:
    """One's own account; admins and services see all."""
    return actor.kind is CallerKind.SERVICE or actor.is_admin or (actor.is_user and actor.user.pk == user_id)


def require_admin(*, actor: Caller) -> None:
    """Raises UserNotFound unless the actor administers accounts."""
    if not actor.is_admin:
        raise exceptions.UserNotFound


def require_other(*, actor: User, user_id: UUID) -> None:
    """Raises OwnAccount when an admin is about to shut themselves out."""
    if actor.pk == user_id:
        raise exceptions.OwnAccount
