"""Filters of lists that refuse invalid values, which those of django-filter ignore."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet


class _TrueOrFalse(forms.NullBooleanField):
    widget = forms.TextInput

    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]  # its base class also returns None
        """None for an empty value. Raises ValidationError unless the text is `true` or `false`."""
        if value in (None, ""):
            return None
        if value not in ("true", "false"):
            raise ValidationError("Enter true or false.", code="invalid")
        return bool(value == "true")


class BooleanFilter(django_filters.BooleanFilter):  # type: ignore[misc]  # no stubs
    """`?name=true` or `?name=false`. Other texts are refused with 400."""

    field_class = _TrueOrFalse


class OrderingFilter(django_filters.OrderingFilter):  # type: ignore[misc]  # no stubs
    """`?ordering=name,-created_at`. Empty parts are ignored."""

    def filter(self, qs: QuerySet[Any], value: list[str] | None) -> QuerySet[Any]:
        return super().filter(qs, [part for part in value or () if part])  # type: ignore[no-any-return]
