"""Fields of this slice: texts, addresses, secrets, roles, phone numbers. Rules are in services."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.users import email_addresses
from apps.users.email_addresses import MAX_LENGTH as EMAIL_LENGTH
from apps.users.models import CODE_PATTERN

_CODE: Final = re.compile(CODE_PATTERN.replace("$", r"\Z"))
_PERMISSION: Final = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"
_PERMISSION_RE: Final = re.compile(_PERMISSION.replace("$", r"\Z"))
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


@extend_schema_field({"type": "string", "pattern": _PERMISSION, "maxLength": 80})
class PermissionField(serializers.CharField):
    """The name of a permission; whether a slice declares it, the service finds out."""

    schema_extra = {"pattern": _PERMISSION}

    def to_internal_value(self, data: Any) -> str:
        """The name."""
        if not isinstance(data, str) or len(data) > 80 or not _PERMISSION_RE.match(data):
            self.fail("invalid")
        return data


class PhoneField(TextField):
    """A phone number, as `ProfileInput.validate_phone` takes it."""

    schema_extra = {"pattern": r"^(\+?[0-9][0-9 ()./-]{3,30})?$"}
