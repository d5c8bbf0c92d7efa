"""Filters and ordering of lists of accounts."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.common.http.filters import BooleanFilter, OrderingFilter
from apps.users import exceptions
from apps.users.models import PHONE_LENGTH, Role, User
from apps.users.models.roles import CODE_LENGTH


class UserFilter(django_filters.FilterSet):  # type: ignore[misc]  # no stubs
    """`?search=&role=&is_active=&created_after=&created_before=&ordering=`."""

    search = django_filters.CharFilter(
        method="filter_search", max_length=100, help_text="Part of the name or the e-mail address, literally."
    )
    role = django_filters.CharFilter(
        method="filter_role", max_length=CODE_LENGTH, help_text="The code of a role."
    )
    is_active = BooleanFilter()
    phone = django_filters.CharFilter(
        field_name="phone_index",
        max_length=PHONE_LENGTH,
        help_text="The whole number, however it is written.",
    )
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")
    ordering = OrderingFilter(fields=("created_at", "name", "email"))

    def filter_search(self, queryset: QuerySet[User], name: str, value: Any) -> QuerySet[User]:
        """`icontains` escapes the wildcards of LIKE, so `%` matches a percent sign."""
        return queryset.filter(Q(name__icontains=value) | Q(email__icontains=value))

    def filter_role(self, queryset: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        """Raises RoleUnknown for an unknown role, rather than returning an empty list."""
        if value not in Role.BUILT_IN and not Role.objects.filter(code=value).exists():
            raise exceptions.RoleUnknown
        return queryset.filter(role=value)
