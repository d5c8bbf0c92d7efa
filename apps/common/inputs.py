"""Serializer fields for what comes in: a value of the JSON type that the schema names, where DRF's would convert one.

DRF takes `5` for a UUID, `"yes"` for a boolean and `true` for a text. A caller who sends such a value is mistaken.
"""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from rest_framework import serializers


class BooleanField(serializers.BooleanField):
    """`true` or `false`; in queries and forms, which know texts only, those two words."""

    def to_internal_value(self, data: Any) -> bool:
        """The truth. Raises ValidationError (`invalid`)."""
        if isinstance(getattr(self.parent, "initial_data", None), QueryDict):
            data = {"true": True, "false": False}.get(data, data)
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class UUIDField(serializers.UUIDField):
    """A UUID as text."""

    def to_internal_value(self, data: Any) -> Any:
        """The UUID. Raises ValidationError (`invalid`)."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """A text."""

    def to_internal_value(self, data: Any) -> str:
        """The text, trimmed where the field says so. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)
