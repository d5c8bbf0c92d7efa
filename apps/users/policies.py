"""Decides which actor may do what to which account and role: as predicates, requirements, and a QuerySet filter.

The actor's permission decides about the action, its rank about the target. Both are checked before the account is fetched,
so that "forbidden" and "not found" are the same answer wherever existence must not leak.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from uuid import UUID

from django.db.models import Q

from apps.common.callers import ALL, Caller, CallerKind
from apps.users import exceptions
from apps.users.models import Role, User
from apps.users.types import Permission


def may_see(*, actor: Caller, user_id: UUID) -> bool:
    """The own account; all accounts for services and for actors who may read accounts."""
    if actor.kind is CallerKind.SERVICE or actor.may(Permission.READ):
        return True
    return actor.is_user and actor.user.pk == user_id


def visible(*, actor: Caller) -> Q:
    """The accounts for which `may_see` is true."""
    if actor.kind is CallerKind.SERVICE or actor.may(Permission.READ):
        return Q()
    return Q(pk=actor.user.pk) if actor.is_user else Q(pk__in=())


def require(*, actor: Caller, permission: StrEnum) -> None:
    """Raises UserNotFound unless the actor's role holds the permission."""
    if not actor.may(permission):
        raise exceptions.UserNotFound


def require_rank(*, actor: Caller, role: str) -> None:
    """Raises RankTooLow when the role is above the actor's."""
    if not Role.objects.up_to(actor.user.role).filter(code=role).exists():
        raise exceptions.RankTooLow


def require_other(*, actor: User, user_id: UUID) -> None:
    """Raises OwnAccount when an admin would lock themselves out."""
    if actor.pk == user_id:
        raise exceptions.OwnAccount


def may_see_roles(*, actor: Caller) -> bool:
    """Actors who assign or edit roles may list them."""
    return actor.may(Permission.MANAGE) or actor.may(Permission.MANAGE_ROLES)


def require_below(*, actor: Caller, rank: int) -> None:
    """Raises RankTooLow unless the rank is below the actor's own."""
    if not Role.objects.filter(code=actor.user.role, rank__gt=rank).exists():
        raise exceptions.RankTooLow


def require_held(*, actor: Caller, permissions: Collection[str]) -> None:
    """Raises PermissionNotHeld when the actor would grant a permission that they do not hold."""
    held = actor.user.permissions
    if ALL not in held and not held.issuperset(permissions):
        raise exceptions.PermissionNotHeld
