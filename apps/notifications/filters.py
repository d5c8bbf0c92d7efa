"""Filters of the list."""

from __future__ import annotations

import django_filters

from apps.common.http.filters import BooleanFilter
from apps.notifications.models import KIND_LENGTH


class NotificationFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no annotations
    """`?unread=`, `?kind=`."""

    unread = BooleanFilter(field_name="read_at", lookup_expr="isnull")
    kind = django_filters.CharFilter(field_name="kind", lookup_expr="exact", max_length=KIND_LENGTH)
