"""Roles, for those who give or edit them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Subquery

from apps.common.callers import Caller
from apps.common.slices import declared
from apps.users import exceptions, policies
from apps.users.models import Role, User
from apps.users.models.roles import RoleQuerySet


def list_roles(*, actor: Caller) -> RoleQuerySet:
    """All of them, the lowest first, for who has to know them; none for others."""
    rows = Role.objects.order_by("rank")
    return rows if policies.may_see_roles(actor=actor) else rows.none()


def get_role(*, actor: Caller, code: str) -> Role:
    """The role of that code. Raises RoleNotFound."""
    role = list_roles(actor=actor).filter(code=code).first()
    if role is None:
        raise exceptions.RoleNotFound
    return role


def get_rank(*, user_id: UUID) -> int:
    """Where an account stands among the others by its role; -1 for nobody and for those that are not active."""
    role = User.objects.filter(pk=user_id, is_active=True).order_by().values("role")
    rank = Role.objects.filter(code=Subquery(role)).order_by().values_list("rank", flat=True).first()
    return -1 if rank is None else rank


def list_permissions() -> list[str]:
    """What can be granted: the permissions that the slices declare, sorted."""
    return sorted(str(permission) for permissions in declared("Permission") for permission in permissions)
