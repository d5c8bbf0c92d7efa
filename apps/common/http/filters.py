"""Filters of lists that refuse invalid values, which those of django-filter ignore."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django_filters.utils import translate_validation


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


_FILTER_SET: Final = django_filters.FilterSet


def filtered(
    filters: type[django_filters.FilterSet], rows: QuerySet[Any], request: HttpRequest
) -> QuerySet[Any]:
    """The rows that the query parameters ask for. Raises DRF's ValidationError.

    A request without any of the parameters does not pay for the form that reads them.
    """
    if request.GET.keys().isdisjoint(filters.base_filters) and _keeps_all_by_default(filters):  # type: ignore[arg-type]  # classes hash
        return rows
    filterset = filters(data=request.GET, queryset=rows, request=request)
    if not filterset.is_valid():
        raise translate_validation(filterset.errors)
    return filterset.qs  # type: ignore[no-any-return]  # no stubs


@cache
def _keeps_all_by_default(filters: type[django_filters.FilterSet]) -> bool:
    """Whether a request without parameters is valid and gets all rows: nothing is required, and all of it is django-filter's."""
    return (
        all(
            not one.extra.get("required")
            and type(one).filter.__module__.startswith(("django_filters.", __name__))
            for one in filters.base_filters.values()
        )
        and filters._meta.form is forms.Form
        and all(
            getattr(filters, name) is getattr(_FILTER_SET, name)
            for name in ("__init__", "is_valid", "filter_queryset", "qs", "get_form_class", "form")
        )
    )
