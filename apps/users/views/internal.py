"""Zone internal: tokens and accounts, for other services."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.users import exceptions, selectors
from apps.users.models import User
from apps.users.serializers import AccountOutput, RoleField, SecretField
from apps.users.types import Introspection


class IntrospectView(View, tag="tokens"):
    class IntrospectionInput(fields.Input):
        token = SecretField(max_length=4096)

    class IntrospectionOutput(serializers.Serializer[Any]):
        """RFC 7662: for an invalid token, everything but `active` is null."""

        active = serializers.BooleanField()
        sub = serializers.UUIDField(allow_null=True)
        sid = serializers.UUIDField(allow_null=True)
        exp = serializers.IntegerField(allow_null=True)
        role = RoleField(allow_null=True)

    @operation(
        "tokens_introspect",
        "Introspect an access token",
        body=IntrospectionInput,
        answers=IntrospectionOutput,
    )
    def post(self, request: ApiRequest, *, token: str) -> Introspection:
        """An invalid token gets a 200, too, with `active` false."""
        return selectors.introspect(token=token)


class UserView(View, tag="users"):
    class ServiceAccountOutput(AccountOutput):
        """An account as services see it."""

        is_active = serializers.BooleanField()

    @operation(
        "users_get", "Get an account", answers=ServiceAccountOutput, failures=[exceptions.UserNotFound]
    )
    def get(self, request: ApiRequest, user_id: UUID) -> User:
        return selectors.get_user_for(actor=request.caller, user_id=user_id)
