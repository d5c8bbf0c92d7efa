"""Zone admin: roles and their permissions."""

from __future__ import annotations

from typing import Any, Final, Unpack

from django.db.models import QuerySet
from rest_framework import serializers

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.users import exceptions, selectors, services
from apps.users.models import TITLE_LENGTH, TOP_RANK, Role
from apps.users.serializers import PermissionField, RoleField
from apps.users.types import RoleChanges

_FAILURES: Final = (
    exceptions.RoleNotFound,
    exceptions.RankTooLow,
    exceptions.PermissionNotHeld,
    exceptions.PermissionUnknown,
    exceptions.RoleTaken,
)


class RoleChangesInput(fields.Input):
    title = fields.LineField(max_length=TITLE_LENGTH)
    rank = serializers.IntegerField(
        min_value=0, max_value=TOP_RANK, help_text="Higher ranks are above lower ones."
    )
    permissions = serializers.ListField(
        child=PermissionField(), max_length=200, help_text="See `permissions/`."
    )


class RoleOutput(serializers.Serializer[Any]):
    """A role."""

    code = RoleField()
    title = serializers.CharField()
    rank = serializers.IntegerField()
    permissions = serializers.ListField(
        child=serializers.CharField(),
        help_text="Granted to this role, and so held by all roles above it; `*` is every permission.",
    )
    is_built_in = serializers.BooleanField(
        help_text="A built-in role cannot be deleted or given another rank."
    )


class RolesView(View, tag="roles"):
    class RoleInput(RoleChangesInput):
        code = RoleField()

    @operation("roles_list", "List roles, the lowest first", page=RoleOutput)
    def get(self, request: ApiRequest) -> QuerySet[Role]:
        return selectors.list_roles(actor=request.caller)

    @operation("roles_make", "Create a role", body=RoleInput, answers={201: RoleOutput}, failures=_FAILURES)
    def post(self, request: ApiRequest, *, code: str, title: str, rank: int, permissions: list[str]) -> Role:
        """It must rank below your own, with permissions that you hold."""
        return services.make_role(
            actor=request.caller, code=code, title=title, rank=rank, permissions=permissions
        )


class RoleView(View, tag="roles"):
    @operation("roles_get", "Get a role", answers=RoleOutput, failures=[exceptions.RoleNotFound])
    def get(self, request: ApiRequest, code: str) -> Role:
        return selectors.get_role(actor=request.caller, code=code)

    @operation(
        "roles_update",
        "Change a role",
        body=RoleChangesInput,
        partial=True,
        answers=RoleOutput,
        failures=[*_FAILURES, exceptions.RoleBuiltIn],
    )
    def patch(self, request: ApiRequest, code: str, **changes: Unpack[RoleChanges]) -> Role:
        """Takes effect with the next request of each user who has this role or one above it."""
        return services.update_role(actor=request.caller, code=code, changes=changes)

    @operation(
        "roles_delete",
        "Delete a role that no account has",
        failures=[
            exceptions.RoleNotFound,
            exceptions.RankTooLow,
            exceptions.RoleBuiltIn,
            exceptions.RoleInUse,
        ],
    )
    def delete(self, request: ApiRequest, code: str) -> None:
        services.delete_role(actor=request.caller, code=code)


class PermissionsView(View, tag="roles"):
    class PermissionsOutput(serializers.Serializer[Any]):
        """The permissions that a role can be granted."""

        permissions = serializers.ListField(child=serializers.CharField())

    @operation(
        "permissions_list", "List the permissions that a role can be granted", answers=PermissionsOutput
    )
    def get(self, request: ApiRequest) -> dict[str, list[str]]:
        return {"permissions": selectors.list_permissions()}
