"""Serializer fields of this slice, and shapes that several view modules share."""

from __future__ import annotations

import re
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.http import fields
from apps.users import email_addresses
from apps.users.email_addresses import MAX_LENGTH as EMAIL_LENGTH
from apps.users.models import CODE_PATTERN, User
from apps.users.services.password_rules import MAX_TYPED
from infrastructure import storage

# Longer than any kind of token, so that one for another endpoint gets that endpoint's own error.
TOKEN_LENGTH: Final = 4096
CODE_LENGTH: Final = 64
CHECK_MAIL: Final = {"detail": "Look into your mail: what happens next is there."}

_CODE: Final = re.compile(CODE_PATTERN.replace("$", r"\Z"))
_PERMISSION: Final = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"
_PERMISSION_RE: Final = re.compile(_PERMISSION.replace("$", r"\Z"))


@extend_schema_field(
    {"type": "string", "format": "email", "pattern": "^[^@]+@[^@]+$", "maxLength": EMAIL_LENGTH}
)
class AddressField(serializers.CharField):
    """An e-mail address that can be mailed, in its canonical form."""

    def to_internal_value(self, data: Any) -> str:
        """The canonical form."""
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return email_addresses.mailable(data)
        except email_addresses.InvalidEmail as error:
            raise serializers.ValidationError(error.detail, code=error.code) from error


class SecretField(serializers.CharField):
    """A password or token, exactly as typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "write_only": True, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        """The text as it is; numbers and booleans are refused."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(
    {
        "type": "string",
        "pattern": CODE_PATTERN,
        "description": "The code of a role: `user`, `moderator`, `admin`, or one that admins have made.",
    }
)
class RoleField(serializers.CharField):
    """The code of a role; the service checks that it exists."""

    schema_extra = {"pattern": CODE_PATTERN}

    def to_internal_value(self, data: Any) -> str:
        """The code."""
        if not isinstance(data, str) or not _CODE.match(data):
            self.fail("invalid")
        return data


@extend_schema_field({"type": "string", "pattern": _PERMISSION, "maxLength": 80})
class PermissionField(serializers.CharField):
    """The name of a permission; the service checks that a slice declares it."""

    schema_extra = {"pattern": _PERMISSION}

    def to_internal_value(self, data: Any) -> str:
        """The name."""
        if not isinstance(data, str) or len(data) > 80 or not _PERMISSION_RE.match(data):
            self.fail("invalid")
        return data


class PhoneField(fields.LineField):
    """A phone number, as `ProfileInput` takes it."""

    schema_extra = {"pattern": r"^(\+?[0-9][0-9 ()./-]{3,30})?$"}


class AcceptedOutput(serializers.Serializer[Any]):
    """The answer to a request whose outcome is sent by mail only."""

    detail = serializers.CharField()


class RegistrationOutput(serializers.Serializer[Any]):
    """A new account."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = RoleField()
    created_at = serializers.DateTimeField()


class AccountOutput(RegistrationOutput):
    """An account as its owner sees it, and any caller who may read it."""

    email_verified = serializers.BooleanField(source="is_verified")
    avatar = serializers.SerializerMethodField(help_text="URL of the picture; null without one.")

    def get_avatar(self, user: User) -> str | None:
        """The address of the picture."""
        return storage.url(user.avatar) if user.avatar else None


class TokenPairOutput(serializers.Serializer[Any]):
    """Tokens of a session; `expires_in` is the access token's, in seconds."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField()


class ChallengeOutput(serializers.Serializer[Any]):
    """A sign-in that waits for its second factor. `challenge` grants nothing by itself."""

    challenge = serializers.CharField()
    methods = serializers.ListField(child=serializers.CharField(), help_text="What completes the sign-in.")
    expires_in = serializers.IntegerField(help_text="Seconds.")


class ResetInput(fields.Input):
    """The address of the account that a mail is requested for."""

    email = fields.LineField(max_length=EMAIL_LENGTH)


class OwnerInput(fields.Input):
    """Requires the password again."""

    current_password = SecretField(
        max_length=MAX_TYPED,
        required=False,
        default="",
        allow_blank=True,
        help_text="Leave it out if the account has no password; it must then have signed in within the last ten minutes.",
    )
