"""Zone admin: all accounts."""

from __future__ import annotations

from typing import Final, Unpack
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.users import exceptions, selectors, services
from apps.users.filters import UserFilter
from apps.users.models import NAME_LENGTH, User
from apps.users.serializers import AccountOutput, RoleField
from apps.users.types import AccountChanges

_FAILURES: Final = (exceptions.UserNotFound, exceptions.OwnAccount, exceptions.RankTooLow)


class AdminAccountOutput(AccountOutput):
    """An account as admins see it."""

    is_active = serializers.BooleanField()
    updated_at = serializers.DateTimeField()


class UsersView(View, tag="users"):
    @operation("users_list", "List accounts, the newest first", page=AdminAccountOutput, filters=UserFilter)
    def get(self, request: ApiRequest) -> QuerySet[User]:
        return selectors.list_users_for(actor=request.caller)


class UserView(View, tag="users"):
    class AccountChangesInput(fields.Input):
        name = fields.LineField(max_length=NAME_LENGTH)
        role = RoleField()
        is_active = fields.BooleanField()

    class EraseInput(fields.Input):
        erase = fields.BooleanField(default=False, help_text="Erase the account instead of deactivating it.")

    @operation("users_get", "Get an account", answers=AdminAccountOutput, failures=[exceptions.UserNotFound])
    def get(self, request: ApiRequest, user_id: UUID) -> User:
        return selectors.get_user_for(actor=request.caller, user_id=user_id)

    @operation(
        "users_replace",
        "Replace name, role and state of an account",
        body=AccountChangesInput,
        answers=AdminAccountOutput,
        failures=[*_FAILURES, exceptions.RoleUnknown],
    )
    def put(self, request: ApiRequest, user_id: UUID, **changes: Unpack[AccountChanges]) -> User:
        return services.update_user(actor=request.caller, user_id=user_id, changes=changes)

    @operation(
        "users_update",
        "Change an account",
        body=AccountChangesInput,
        partial=True,
        answers=AdminAccountOutput,
        failures=[*_FAILURES, exceptions.RoleUnknown],
    )
    def patch(self, request: ApiRequest, user_id: UUID, **changes: Unpack[AccountChanges]) -> User:
        return services.update_user(actor=request.caller, user_id=user_id, changes=changes)

    @operation("users_delete", "Deactivate an account, or erase it", query=EraseInput, failures=_FAILURES)
    def delete(self, request: ApiRequest, user_id: UUID, *, erase: bool) -> None:
        end = services.erase_user if erase else services.deactivate_user
        end(actor=request.caller, user_id=user_id)


class DeactivateView(View, tag="users"):
    @operation("users_deactivate", "Deactivate an account", answers=AdminAccountOutput, failures=_FAILURES)
    def post(self, request: ApiRequest, user_id: UUID) -> User:
        """Its sessions end at once."""
        return services.deactivate_user(actor=request.caller, user_id=user_id)


class ActivateView(View, tag="users"):
    @operation(
        "users_activate",
        "Activate an account",
        answers=AdminAccountOutput,
        failures=[exceptions.UserNotFound, exceptions.RankTooLow],
    )
    def post(self, request: ApiRequest, user_id: UUID) -> User:
        return services.activate_user(actor=request.caller, user_id=user_id)
