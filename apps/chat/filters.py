"""Filters of lists."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet

from apps.chat.models import Room
from apps.common.http.filters import BooleanFilter

MAX_SEARCH = 100


class RoomFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no annotations
    """`?search=` in name and slug, `?is_private=`, `?joined=`."""

    search = django_filters.CharFilter(method="by_words", max_length=MAX_SEARCH)
    is_private = BooleanFilter()
    joined = BooleanFilter(field_name="my_role", lookup_expr="isnull", exclude=True)

    def by_words(self, rooms: QuerySet[Room], name: str, value: str) -> QuerySet[Room]:
        return rooms.filter(Q(name__icontains=value) | Q(slug__icontains=value))


class MessageFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no annotations
    """`?sender=`, `?created_after=`, `?created_before=`, `?search=`; besides `after`, `before` and `limit`."""

    sender = django_filters.UUIDFilter(field_name="sender_id")
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")
    search = django_filters.CharFilter(field_name="text", lookup_expr="icontains", max_length=MAX_SEARCH)


class PersonFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no annotations
    """`?search=` in names."""

    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", max_length=MAX_SEARCH)
