"""What comes in and what goes out, one serializer for each. Rules are in services."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common import inputs
from apps.users import email_addresses
from apps.users.email_addresses import MAX_LENGTH as EMAIL_LENGTH
from apps.users.models import (
    CODE_PATTERN,
    NAME_LENGTH,
    PHONE_LENGTH,
    TITLE_LENGTH,
    TOP_RANK,
    EmailChange,
    Session,
    User,
)
from apps.users.services.password_rules import MAX_LENGTH as PASSWORD_LENGTH
from infrastructure import storage

_PHONE: Final = re.compile(r"\A\+?[0-9][0-9 ()./-]{3,30}\Z")
_CODE: Final = re.compile(CODE_PATTERN.replace("$", r"\Z"))
_TOKEN_LENGTH: Final = 200
_ACCESS_TOKEN_LENGTH: Final = 4096
_CODE_LENGTH: Final = 64
# Controls, private code points, separators of lines; format characters but for those that join scripts
# and emoji.
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_JOINERS: Final = "\u200c\u200d"


class TextField(serializers.CharField):
    """Text of one line: numbers and booleans are refused, and so are signs that are invisible or reorder text."""

    # JSON Schema has no portable pattern for classes of characters: the rule is a format's name.
    schema_extra: dict[str, Any] = {"format": "single-line"}
    default_error_messages = {"unprintable": "This text contains characters that cannot be shown."}

    def to_internal_value(self, data: Any) -> str:
        """The text, trimmed."""
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        if not all(unicodedata.category(sign) not in _UNPRINTABLE or sign in _JOINERS for sign in text):
            self.fail("unprintable")
        return text


@extend_schema_field(
    {"type": "string", "format": "email", "pattern": "^[^@]+@[^@]+$", "maxLength": EMAIL_LENGTH}
)
class AddressField(serializers.CharField):
    """An e-mail address, brought to its canonical form."""

    def to_internal_value(self, data: Any) -> str:
        """The canonical form."""
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return email_addresses.canonical(data)
        except email_addresses.InvalidEmail as error:
            raise serializers.ValidationError(error.detail, code=error.code) from error


class SecretField(serializers.CharField):
    """A password or token: taken exactly as typed."""

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
    """The code of a role; whether there is one, the service finds out."""

    schema_extra = {"pattern": CODE_PATTERN}

    def to_internal_value(self, data: Any) -> str:
        """The code."""
        if not isinstance(data, str) or not _CODE.match(data):
            self.fail("invalid")
        return data


class RegistrationInput(inputs.Input):
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


class AcceptedOutput(serializers.Serializer[Any]):
    """What is said of a request whose outcome is told by mail alone."""

    detail = serializers.CharField()


class LoginInput(inputs.Input):
    """`POST auth/login/`. What is no address has no account, and is answered like any other address without one."""

    email = TextField(max_length=EMAIL_LENGTH)
    password = SecretField(max_length=PASSWORD_LENGTH)


class ChallengeOutput(serializers.Serializer[Any]):
    """A sign-in that waits for its second factor. `challenge` opens nothing by itself."""

    challenge = serializers.CharField()
    methods = serializers.ListField(child=serializers.CharField(), help_text="What may be shown.")
    expires_in = serializers.IntegerField(help_text="Seconds.")


class SecondFactorLoginInput(inputs.Input):
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


class ProviderReturnInput(inputs.Input):
    """What the browser came back with, and the `flow` that it left with."""

    flow = SecretField(max_length=_TOKEN_LENGTH)
    code = SecretField(max_length=2048)
    state = SecretField(max_length=_TOKEN_LENGTH)
    iss = SecretField(
        max_length=255, required=False, default="", allow_blank=True, help_text="As it came (RFC 9207)."
    )


class IdentityOutput(serializers.Serializer[Any]):
    """Who opens one's account at an outside provider."""

    id = serializers.UUIDField()
    provider = serializers.CharField()
    subject = serializers.CharField(help_text="The provider's own name for them.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()


class RefreshInput(inputs.Input):
    """`POST auth/refresh/` and `auth/logout/`."""

    refresh = SecretField(max_length=_TOKEN_LENGTH)


class TokenPairOutput(serializers.Serializer[Any]):
    """Tokens of a session; `expires_in` is the access token's, in seconds."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField()


class ResetInput(inputs.Input):
    """`POST auth/password/reset/`."""

    email = TextField(max_length=EMAIL_LENGTH)


class ResetConfirmInput(inputs.Input):
    """`POST auth/password/reset/confirm/`."""

    token = SecretField(max_length=_TOKEN_LENGTH)
    password = SecretField(help_text="12 to 128 characters.")


class VerifyInput(inputs.Input):
    """`POST auth/email/verify/`."""

    token = SecretField(max_length=_TOKEN_LENGTH)


class PasswordChangeInput(inputs.Input):
    """`POST users/me/password/`."""

    current_password = SecretField(max_length=PASSWORD_LENGTH)
    new_password = SecretField(help_text="12 to 128 characters.")


class PhoneField(TextField):
    """A phone number, as `ProfileInput.validate_phone` takes it."""

    schema_extra = {"pattern": r"^(\+?[0-9][0-9 ()./-]{3,30})?$"}


class ProfileInput(inputs.Input):
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


class AvatarInput(inputs.Input):
    """`PUT users/me/avatar/`, as `multipart/form-data`. What the file is, is judged by its content."""

    avatar = serializers.FileField(max_length=255, help_text="JPEG, PNG or WebP.")


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


class OwnerInput(inputs.Input):
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


class CodeInput(inputs.Input):
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


class AccountChangesInput(inputs.Input):
    """`PUT` (all fields) and `PATCH` (some) of an account by an admin."""

    name = TextField(max_length=NAME_LENGTH)
    role = RoleField()
    is_active = inputs.BooleanField()


class AdminAccountOutput(AccountOutput):
    """An account as admins see it."""

    is_active = serializers.BooleanField()
    updated_at = serializers.DateTimeField()


class EraseInput(inputs.Input):
    """The query of `DELETE` of an account by an admin."""

    erase = inputs.BooleanField(default=False, help_text="Erase for good instead of deactivating.")


class IntrospectionInput(inputs.Input):
    """`POST tokens/introspect/`."""

    token = SecretField(max_length=_ACCESS_TOKEN_LENGTH)


class IntrospectionOutput(serializers.Serializer[Any]):
    """RFC 7662: all but `active` is null for a token that does not hold."""

    active = serializers.BooleanField()
    sub = serializers.UUIDField(allow_null=True)
    sid = serializers.UUIDField(allow_null=True)
    exp = serializers.IntegerField(allow_null=True)
    role = RoleField(allow_null=True)


class ServiceAccountOutput(AccountOutput):
    """An account as services see it."""

    is_active = serializers.BooleanField()


class RoleChangesInput(inputs.Input):
    """`PATCH roles/{code}/`."""

    title = TextField(max_length=TITLE_LENGTH)
    rank = serializers.IntegerField(min_value=0, max_value=TOP_RANK, help_text="Higher stands above lower.")
    permissions = serializers.ListField(
        child=serializers.CharField(max_length=80), max_length=200, help_text="See `permissions/`."
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
