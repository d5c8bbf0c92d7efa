"""What guards an account: its address, its password, its second factor, its identities elsewhere. Rules are in services."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from apps.common.http import fields
from apps.users.models import EmailChange
from apps.users.serializers.fields import AddressField, SecretField
from apps.users.services.password_rules import MAX_LENGTH as PASSWORD_LENGTH

_CODE_LENGTH: Final = 64


class IdentityOutput(serializers.Serializer[Any]):
    """Who opens one's account at an outside provider."""

    id = serializers.UUIDField()
    provider = serializers.CharField()
    subject = serializers.CharField(help_text="The provider's own name for them.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()


class PasswordChangeInput(fields.Input):
    """`POST users/me/password/`."""

    current_password = SecretField(max_length=PASSWORD_LENGTH)
    new_password = SecretField(help_text="12 to 128 characters.")


class EmailChangeOutput(serializers.Serializer[Any]):
    """A change of address that waits for both addresses."""

    email = serializers.EmailField(help_text="The new address.")
    old_confirmed = serializers.SerializerMethodField(help_text="Whether the address of now has agreed.")
    new_confirmed = serializers.SerializerMethodField(help_text="Whether the new address has agreed.")
    expires_at = serializers.DateTimeField()

    def get_old_confirmed(self, change: EmailChange) -> bool:
        """Whether its link was followed."""
        return change.old_confirmed_at is not None

    def get_new_confirmed(self, change: EmailChange) -> bool:
        """Whether its link was followed."""
        return change.new_confirmed_at is not None


class AddressOutput(serializers.Serializer[Any]):
    """The address of one's account, and the one that it is to have."""

    email = serializers.EmailField()
    email_verified = serializers.BooleanField()
    change = EmailChangeOutput(allow_null=True)


class ConfirmedOutput(serializers.Serializer[Any]):
    """What a confirmation has led to."""

    completed = serializers.BooleanField(help_text="False while the other address has not agreed yet.")


class OwnerInput(fields.Input):
    """What asks for the password once more."""

    current_password = SecretField(
        max_length=PASSWORD_LENGTH,
        required=False,
        default="",
        allow_blank=True,
        help_text="Left out by accounts that have none: they have to have signed in within ten minutes.",
    )


class EmailChangeInput(OwnerInput):
    """`POST users/me/email/`."""

    email = AddressField()


class CodeInput(fields.Input):
    """`POST users/me/second-factor/confirm/`."""

    code = SecretField(max_length=_CODE_LENGTH, help_text="Of the authenticator app.")


class OwnerCodeInput(OwnerInput):
    """What asks for both factors once more."""

    code = SecretField(max_length=_CODE_LENGTH, help_text="Of the authenticator app, or a recovery code.")


class SecondFactorOutput(serializers.Serializer[Any]):
    """Whether signing in takes a second factor."""

    is_enabled = serializers.BooleanField()
    enabled_at = serializers.DateTimeField(allow_null=True)
    recovery_codes_left = serializers.IntegerField()


class EnrolmentOutput(serializers.Serializer[Any]):
    """What an authenticator app is set up with."""

    secret = serializers.CharField(help_text="Base32, for typing.")
    uri = serializers.CharField(help_text="`otpauth://…`, for a QR code.")


class RecoveryCodesOutput(serializers.Serializer[Any]):
    """Shown once; each works once."""

    recovery_codes = serializers.ListField(child=serializers.CharField())
