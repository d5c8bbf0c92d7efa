"""`Input`, the base of serializers that read a body or a query, and its fields.

An Input reads only declared fields. It cannot take fields from a model, and `@operation` accepts no other serializers, so
that no undeclared value reaches a service. An Input refuses unknown members of a body; `@operation` refuses unknown
parameters of a query, because it knows those of pages and filters.

The fields accept only the JSON type in the schema. DRF's fields accept `5` for a UUID, `"yes"` for a boolean and `true` for
a text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any, Final

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from apps.common import text
from apps.common.exceptions import FieldError

_MOST_NAMED: Final = 20
_LONGEST_NAME: Final = 100


# Without a docstring, because the schema would use it for all serializers without their own.
class Input(serializers.Serializer[Any]):
    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if issubclass(cls, serializers.ModelSerializer):
            raise TypeError(f"{cls.__name__} takes fields from a model: declare each field.")

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
        if self.root is not self and getattr(self.root, "partial", False):
            refused |= self._complete(value)
        if refused:
            raise serializers.ValidationError(refused)
        return value

    def _complete(self, value: dict[str, Any]) -> dict[str, Any]:
        """Complete a nested object. A change may leave out members of the outer object only, where DRF passes over all.

        Returns the errors of members that are required.
        """
        errors: dict[str, Any] = {}
        missing = {name: one for name, one in self.fields.items() if one.source not in value}
        for name, one in missing.items():
            if one.required:
                errors[name] = [ErrorDetail(str(one.error_messages["required"]), "required")]
            elif one.default is not empty:
                value[str(one.source)] = one.default() if callable(one.default) else one.default
        return errors


def unknown(given: Iterable[Any], known: Collection[str], *, detail: str) -> list[FieldError]:
    """An error for each unknown name, up to _MOST_NAMED; names are cut to _LONGEST_NAME characters."""
    names = islice((str(name) for name in given if name not in known), _MOST_NAMED)
    return [FieldError(field=name[:_LONGEST_NAME], code="unknown", detail=detail) for name in names]


class BooleanField(serializers.BooleanField):
    """A boolean; in queries and forms, the texts `true` and `false`."""

    def to_internal_value(self, data: Any) -> bool:
        if isinstance(getattr(self.parent, "initial_data", None), QueryDict):
            data = {"true": True, "false": False}.get(data, data)
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class _FromText(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class UUIDField(_FromText, serializers.UUIDField):
    """A UUID as text."""


class TextField(_FromText, serializers.CharField):
    """A text."""


class LineField(TextField):
    """One visible line, such as a name (`apps.common.text`)."""

    # JSON Schema has no portable pattern for character classes, so the schema names a format.
    schema_extra: dict[str, Any] = {"format": "single-line"}

    def to_internal_value(self, data: Any) -> str:
        """Raises ValidationError (`unprintable`, `invisible`, `stacked`)."""
        try:
            return text.clean_line(super().to_internal_value(data))
        except text.InvalidLine as error:
            raise serializers.ValidationError(error.detail, code=error.reason) from error


class PatternField(_FromText, serializers.RegexField):
    """A text that matches a regular expression."""
