"""Roles, for actors who assign or edit them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Subquery

from apps.common.callers import Caller
from apps.common.slices import declared
from apps.users import exceptions, policies
from apps.users.models import Role, User
from apps.users.models.roles import RoleQuerySet


def list_roles(*, actor: Caller) -> RoleQuerySet:
    """All roles, the lowest first, for actors who may list them; none for others."""
    rows = Role.objects.order_by("rank")
    return rows if policies.may_see_roles(actor=actor) else rows.none()


def get_role(*, actor: Caller, code: str) -> Role:
    """Raises RoleNotFound."""
    role = list_roles(actor=actor).filter(code=code).first()
    if role is None:
        raise exceptions.RoleNotFound
    return role


def get_rank(*, user_id: UUID) -> int:
    """The rank of an account by its role; -1 for an unknown or inactive one."""
    role = User.objects.filter(pk=user_id, is_active=True).order_by().values("role")
    rank = Role.objects.filter(code=Subquery(role)).order_by().values_list("rank", flat=True).first()
    return -1 if rank is None else rank


def list_permissions() -> list[str]:
    """The permissions that the slices declare, sorted."""
    return sorted(str(permission) for permissions in declared("Permission") for permission in permissions)
