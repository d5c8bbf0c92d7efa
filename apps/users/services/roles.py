"""Roles: created, changed, deleted, and restored to the built-in ones."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from apps.common import audit, text
from apps.common.callers import ALL, Caller
from apps.common.slices import declared
from apps.users import exceptions, policies, selectors
from apps.users.models import Role
from apps.users.types import AuditAction, Permission, RoleChanges

_log = structlog.get_logger("security")
# Code, title, rank and permissions of the built-in roles.
BUILT_IN: tuple[tuple[str, str, int, tuple[str, ...]], ...] = (
    (Role.USER, "User", 0, ()),
    (Role.MODERATOR, "Moderator", 50, ()),
    (Role.ADMIN, "Admin", 100, (ALL,)),
)


def make_role(*, actor: Caller, code: str, title: str, rank: int, permissions: Collection[str]) -> Role:
    """Create a role below the actor's own. Raises RoleNotFound, RankTooLow, PermissionNotHeld, PermissionUnknown, RoleTaken."""
    _require(actor)
    _require_grantable(actor=actor, permissions=permissions)
    policies.require_below(actor=actor, rank=rank)
    try:
        with transaction.atomic():
            role = Role.objects.create(
                code=code, title=text.clean_line(title), rank=rank, permissions=sorted(permissions)
            )
            _record(AuditAction.ROLE_MADE, actor=actor, role=role)
    except IntegrityError:
        raise exceptions.RoleTaken from None
    return role


def update_role(*, actor: Caller, code: str, changes: RoleChanges) -> Role:
    """Apply `changes`, effective from the next request of every account with the role, or a higher one.

    Raises as `make_role` does; RoleBuiltIn for another rank of a built-in role.
    """
    _require(actor)
    try:
        with transaction.atomic():
            role = _lock(code)
            policies.require_below(actor=actor, rank=role.rank)
            if role.is_built_in and changes.get("rank", role.rank) != role.rank:
                raise exceptions.RoleBuiltIn
            policies.require_below(actor=actor, rank=changes.get("rank", role.rank))
            # Permissions that the role holds already may stay.
            permissions = set(changes.get("permissions", role.permissions))
            _require_grantable(actor=actor, permissions=permissions - set(role.permissions))
            role.title = text.clean_line(changes.get("title", role.title))
            role.rank = changes.get("rank", role.rank)
            role.permissions = sorted(permissions)
            role.save(update_fields=["title", "rank", "permissions", "updated_at"])
            _record(AuditAction.ROLE_EDITED, actor=actor, role=role)
    except IntegrityError:
        raise exceptions.RoleTaken from None
    return role


def delete_role(*, actor: Caller, code: str) -> None:
    """Raises RoleNotFound, RankTooLow, RoleBuiltIn; RoleInUse while an account has it."""
    _require(actor)
    try:
        with transaction.atomic():
            role = _lock(code)
            policies.require_below(actor=actor, rank=role.rank)
            if role.is_built_in:
                raise exceptions.RoleBuiltIn
            _record(AuditAction.ROLE_DELETED, actor=actor, role=role)
            role.delete()
    except IntegrityError:
        raise exceptions.RoleInUse from None


def restore_defaults(model: Any = Role) -> None:
    """Create missing built-in roles, and add DEFAULT_GRANTS of slices that were never granted before.

    Runs after each `migrate`, so that a new slice needs no migration for its grants.
    """
    grants: dict[str, set[str]] = {}
    for wanted in declared("DEFAULT_GRANTS"):
        for code, permissions in wanted.items():
            grants.setdefault(code, set()).update(map(str, permissions))
    with transaction.atomic():
        for code, title, rank, own in BUILT_IN:
            model.objects.get_or_create(
                code=code, defaults={"title": title, "rank": rank, "permissions": list(own)}
            )
        for role in model.objects.select_for_update(no_key=True).filter(code__in=grants):
            if fresh := grants[role.code] - set(role.offered):
                role.permissions = sorted({*role.permissions, *fresh})
                role.offered = sorted({*role.offered, *fresh})
                role.save(update_fields=["permissions", "offered", "updated_at"])


def _require(actor: Caller) -> None:
    if not actor.may(Permission.MANAGE_ROLES):
        raise exceptions.RoleNotFound


def _require_grantable(*, actor: Caller, permissions: Collection[str]) -> None:
    if unknown := sorted(set(permissions) - set(selectors.list_permissions())):
        raise exceptions.PermissionUnknown(unknown)
    policies.require_held(actor=actor, permissions=permissions)


def _lock(code: str) -> Role:
    role = Role.objects.select_for_update().filter(code=code).first()
    if role is None:
        raise exceptions.RoleNotFound
    return role


def _record(action: AuditAction, *, actor: Caller, role: Role) -> None:
    details = {"rank": role.rank, "permissions": role.permissions}
    audit.record(action=action, actor_id=actor.user.pk, target="role", target_id=role.code, details=details)
    _log.warning(action.value, role=role.code, by=str(actor.user.pk))
