"""Signing in and out, with a password or elsewhere, links of mails, and what a token stands for. Rules are in services."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from apps.common.http import fields
from apps.users.email_addresses import MAX_LENGTH as EMAIL_LENGTH
from apps.users.serializers.fields import RoleField, SecretField, TextField
from apps.users.services.password_rules import MAX_LENGTH as PASSWORD_LENGTH

_TOKEN_LENGTH: Final = 200
_ACCESS_TOKEN_LENGTH: Final = 4096
_CODE_LENGTH: Final = 64


class AcceptedOutput(serializers.Serializer[Any]):
    """What is said of a request whose outcome is told by mail alone."""

    detail = serializers.CharField()


class LoginInput(fields.Input):
    """`POST auth/login/`. What is no address has no account, and is answered like any other address without one."""

    email = TextField(max_length=EMAIL_LENGTH)
    password = SecretField(max_length=PASSWORD_LENGTH)


class ChallengeOutput(serializers.Serializer[Any]):
    """A sign-in that waits for its second factor. `challenge` opens nothing by itself."""

    challenge = serializers.CharField()
    methods = serializers.ListField(child=serializers.CharField(), help_text="What may be shown.")
    expires_in = serializers.IntegerField(help_text="Seconds.")


class SecondFactorLoginInput(fields.Input):
    """`POST auth/login/second-factor/`."""

    challenge = SecretField(max_length=_TOKEN_LENGTH)
    code = SecretField(max_length=_CODE_LENGTH, help_text="Of the authenticator app, or a recovery code.")


class ProviderOutput(serializers.Serializer[Any]):
    """An outside provider that people may sign in with."""

    name = serializers.CharField()
    title = serializers.CharField()


class ProvidersOutput(serializers.Serializer[Any]):
    """All of them."""

    providers = ProviderOutput(many=True)


class ProviderStartOutput(serializers.Serializer[Any]):
    """Send the browser to `authorization_url`; keep `flow` for when it comes back."""

    authorization_url = serializers.CharField()
    flow = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class ProviderReturnInput(fields.Input):
    """What the browser came back with, and the `flow` that it left with."""

    flow = SecretField(max_length=_TOKEN_LENGTH)
    code = SecretField(max_length=2048)
    state = SecretField(max_length=_TOKEN_LENGTH)
    iss = SecretField(
        max_length=255, required=False, default="", allow_blank=True, help_text="As it came (RFC 9207)."
    )


class RefreshInput(fields.Input):
    """`POST auth/refresh/` and `auth/logout/`."""

    refresh = SecretField(max_length=_TOKEN_LENGTH)


class TokenPairOutput(serializers.Serializer[Any]):
    """Tokens of a session; `expires_in` is the access token's, in seconds."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField()


class ResetInput(fields.Input):
    """`POST auth/password/reset/`."""

    email = TextField(max_length=EMAIL_LENGTH)


class ResetConfirmInput(fields.Input):
    """`POST auth/password/reset/confirm/`."""

    token = SecretField(max_length=_TOKEN_LENGTH)
    password = SecretField(help_text="12 to 128 characters.")


class VerifyInput(fields.Input):
    """`POST auth/email/verify/`."""

    token = SecretField(max_length=_TOKEN_LENGTH)


class IntrospectionInput(fields.Input):
    """`POST tokens/introspect/`."""

    token = SecretField(max_length=_ACCESS_TOKEN_LENGTH)


class IntrospectionOutput(serializers.Serializer[Any]):
    """RFC 7662: all but `active` is null for a token that does not hold."""

    active = serializers.BooleanField()
    sub = serializers.UUIDField(allow_null=True)
    sid = serializers.UUIDField(allow_null=True)
    exp = serializers.IntegerField(allow_null=True)
    role = RoleField(allow_null=True)
