"""Accounts and roles as admins change and see them. Rules are in services."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.common.http import fields
from apps.users.models import NAME_LENGTH, TITLE_LENGTH, TOP_RANK
from apps.users.serializers.accounts import AccountOutput
from apps.users.serializers.fields import PermissionField, RoleField, TextField


class AccountChangesInput(fields.Input):
    """`PUT` (all fields) and `PATCH` (some) of an account by an admin."""

    name = TextField(max_length=NAME_LENGTH)
    role = RoleField()
    is_active = fields.BooleanField()


class AdminAccountOutput(AccountOutput):
    """An account as admins see it."""

    is_active = serializers.BooleanField()
    updated_at = serializers.DateTimeField()


class EraseInput(fields.Input):
    """The query of `DELETE` of an account by an admin."""

    erase = fields.BooleanField(default=False, help_text="Erase for good instead of deactivating.")


class RoleChangesInput(fields.Input):
    """`PATCH roles/{code}/`."""

    title = TextField(max_length=TITLE_LENGTH)
    rank = serializers.IntegerField(min_value=0, max_value=TOP_RANK, help_text="Higher stands above lower.")
    permissions = serializers.ListField(
        child=PermissionField(), max_length=200, help_text="See `permissions/`."
    )


class RoleInput(RoleChangesInput):
    """`POST roles/`."""

    code = RoleField()


class RoleOutput(serializers.Serializer[Any]):
    """A role."""

    code = RoleField()
    title = serializers.CharField()
    rank = serializers.IntegerField()
    permissions = serializers.ListField(
        child=serializers.CharField(),
        help_text="Granted to it, and so held by all that rank above; `*` is everything.",
    )
    is_built_in = serializers.BooleanField(help_text="It can be neither deleted nor given another rank.")


class PermissionsOutput(serializers.Serializer[Any]):
    """What a role can be granted."""

    permissions = serializers.ListField(child=serializers.CharField())
