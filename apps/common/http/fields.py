"""What comes in: `Input`, the base of every serializer that reads a body or a query, and its fields.

An Input reads what it declares and nothing else, one field at a time. What is not declared reaches no service, whatever the
model behind it has: a serializer that takes its fields from a model is no Input, and `@operation` takes nothing but an Input.
Unknown members of a body are refused by name; those of a query by `@operation`, which knows what pages and filters read.

The fields want a value of the JSON type that the schema names, where DRF's would convert one: it takes `5` for a UUID,
`"yes"` for a boolean and `true` for a text. A caller who sends such a value is mistaken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any, Final

from django.http import QueryDict
from rest_framework import serializers

from apps.common import text
from apps.common.exceptions import FieldError

_MOST_NAMED: Final = 20
_LONGEST_NAME: Final = 100


# Without a docstring: the schema would describe by it each serializer that has none of its own.
class Input(serializers.Serializer[Any]):
    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if issubclass(cls, serializers.ModelSerializer):
            raise TypeError(f"{cls.__name__} takes fields from a model: declare them, one by one.")

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping) or self.context.get("is_query"):
            return super().to_internal_value(data)
        refused = {
            error.field: [serializers.ValidationError(error.detail, error.code).detail[0]]  # type: ignore[index]
            for error in unknown(data, self.fields, detail="There is no such field.")
        }
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            raise serializers.ValidationError({**error.detail, **refused}) from None
        if refused:
            raise serializers.ValidationError(refused)
        return value


def unknown(given: Iterable[Any], known: Collection[str], *, detail: str) -> list[FieldError]:
    """A fault for each name that is not among the known ones; of the first twenty, by their first hundred characters."""
    names = islice((str(name) for name in given if name not in known), _MOST_NAMED)
    return [FieldError(field=name[:_LONGEST_NAME], code="unknown", detail=detail) for name in names]


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


class LineField(TextField):
    """One visible line, as every name is: `apps.common.text` has the rule."""

    # JSON Schema has no portable pattern for classes of characters: the rule is a format's name.
    schema_extra: dict[str, Any] = {"format": "single-line"}

    def to_internal_value(self, data: Any) -> str:
        """The line, composed and trimmed. Raises ValidationError (`unprintable`, `invisible`)."""
        try:
            return text.clean_line(super().to_internal_value(data))
        except text.InvalidLine as error:
            raise serializers.ValidationError(error.detail, code=error.reason) from error


class PatternField(serializers.RegexField):
    """A text of a certain form."""

    def to_internal_value(self, data: Any) -> str:
        """The text. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)
