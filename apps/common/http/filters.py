"""Filters of lists that refuse what they cannot read, where django-filter's own would quietly filter by nothing."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError


class _TrueOrFalse(forms.NullBooleanField):
    """`true` or `false`; empty is no filter."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]  # its own base class returns None, too
        """The truth, or None for no value. Raises ValidationError for any other text."""
        if value in (None, ""):
            return None
        if value not in ("true", "false"):
            raise ValidationError("Enter true or false.", code="invalid")
        return bool(value == "true")


class BooleanFilter(django_filters.BooleanFilter):  # type: ignore[misc]  # no stubs
    """`?name=true` or `?name=false`. Another text is a 400."""

    field_class = _TrueOrFalse
