"""Accounts as they are made, seen and changed by their owners and by services, and their sessions. Rules are in services."""

from __future__ import annotations

import re
from typing import Any, Final

from rest_framework import serializers

from apps.common.http import fields
from apps.users.models import NAME_LENGTH, PHONE_LENGTH, Session, User
from apps.users.serializers.fields import AddressField, PhoneField, RoleField, SecretField, TextField
from infrastructure import storage

_PHONE: Final = re.compile(r"\A\+?[0-9][0-9 ()./-]{3,30}\Z")


class RegistrationInput(fields.Input):
    """`POST auth/register/`."""

    email = AddressField()
    name = TextField(max_length=NAME_LENGTH)
    # Its rules, length included, are the service's: all that it breaks are named at once.
    password = SecretField(help_text="12 to 128 characters.")


class RegistrationOutput(serializers.Serializer[Any]):
    """A new account."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = RoleField()
    created_at = serializers.DateTimeField()


class ProfileInput(fields.Input):
    """`PATCH users/me/`: fields that are left out stay."""

    name = TextField(max_length=NAME_LENGTH, required=False)
    phone = PhoneField(max_length=PHONE_LENGTH, required=False, allow_null=True, allow_blank=True)

    def validate_phone(self, phone: str | None) -> str | None:
        """Digits with the usual signs between them; an empty one is none."""
        if phone and not _PHONE.match(phone):
            raise serializers.ValidationError(
                "Enter a phone number, like +44 20 7946 0958.", code="invalid_phone"
            )
        return phone or None


class AvatarInput(fields.Input):
    """`PUT users/me/avatar/`, as `multipart/form-data`. What the file is, is judged by its content."""

    avatar = serializers.FileField(max_length=255, help_text="JPEG, PNG, WebP or GIF; no animation.")


class AccountOutput(RegistrationOutput):
    """An account as its owner, and who may look at it, sees it."""

    email_verified = serializers.BooleanField(source="is_verified")
    avatar = serializers.SerializerMethodField(help_text="Where the picture is; null without one.")

    def get_avatar(self, user: User) -> str | None:
        """The address of the picture."""
        return storage.url(user.avatar) if user.avatar else None


class MeOutput(AccountOutput):
    """One's own account."""

    phone = serializers.CharField(allow_null=True)


class AdminSessionOutput(serializers.Serializer[Any]):
    """A live session of an account, as admins see it."""

    id = serializers.UUIDField()
    user_agent = serializers.CharField(help_text="What the client says it is.")
    network = serializers.CharField(help_text="The network that it signed in from.")
    created_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField(help_text="When it signed in or refreshed last.")
    expires_at = serializers.DateTimeField()


class SessionOutput(AdminSessionOutput):
    """One of one's own sessions."""

    is_current = serializers.SerializerMethodField(help_text="Whether this call belongs to it.")

    def get_is_current(self, session: Session) -> bool:
        """Whether the caller's token is of this session."""
        return bool(session.pk == self.context["request"].auth.session_id)


class ServiceAccountOutput(AccountOutput):
    """An account as services see it."""

    is_active = serializers.BooleanField()
