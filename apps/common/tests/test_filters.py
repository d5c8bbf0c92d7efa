"""Filters of lists: what a request without parameters gets."""

from __future__ import annotations

from typing import Any

import django_filters
import pytest
from django.db.models import QuerySet
from django.test import RequestFactory
from rest_framework.exceptions import ValidationError

from apps.common.http.filters import BooleanFilter, filtered
from apps.common.models import DeadTask


class Optional(django_filters.FilterSet):  # type: ignore[misc]  # no stubs
    task = django_filters.CharFilter(field_name="name")
    replayed = BooleanFilter(field_name="replayed_at", lookup_expr="isnull", exclude=True)
    ordering = django_filters.OrderingFilter(fields=("name",))


class Required(Optional):
    task = django_filters.CharFilter(field_name="name", required=True)


class Chosen(django_filters.CharFilter):  # type: ignore[misc]  # no stubs
    def filter(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(name=value or "a task")


class Defaulting(Optional):
    task = Chosen()


class Narrowed(Optional):
    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(name="a task")


def outcome(filters: Any, query: str) -> str:
    return str(filtered(filters, DeadTask.objects.all(), RequestFactory().get(f"/?{query}")).query)


def made_by_form(filters: Any, query: str) -> str:
    return str(filters(RequestFactory().get(f"/?{query}").GET, DeadTask.objects.all()).qs.query)


@pytest.mark.parametrize(
    "query", ["", "limit=3&cursor=abc", "task=", "task=a", "replayed=true&ordering=-name"]
)
def test_rows_are_those_of_the_form(query: str) -> None:
    assert outcome(Optional, query) == made_by_form(Optional, query)


def test_a_request_without_parameters_makes_no_form(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> None:
        raise AssertionError("a form was made")

    monkeypatch.setattr(django_filters.filterset.BaseFilterSet, "filters", property(refuse), raising=False)
    rows = DeadTask.objects.all()
    assert filtered(Optional, rows, RequestFactory().get("/?limit=3")) is rows


def test_a_required_parameter_is_required() -> None:
    with pytest.raises(ValidationError) as refused:
        outcome(Required, "limit=3")
    assert refused.value.get_codes() == {"task": ["required"]}


@pytest.mark.parametrize("filters", [Defaulting, Narrowed])
def test_a_filter_with_a_default_is_applied(filters: Any) -> None:
    assert outcome(filters, "limit=3") == str(DeadTask.objects.filter(name="a task").query)
