"""Filters of the audit log."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from apps.common.models import AuditEvent


class AuditFilter(django_filters.FilterSet):  # type: ignore[misc]  # no stubs
    """`?action=&actor=&target=&created_after=&created_before=`, all exact, so that each uses an index."""

    action = django_filters.CharFilter(max_length=80, help_text="Such as `users.role_changed`.")
    actor = django_filters.UUIDFilter(field_name="actor_id", help_text="The account that acted.")
    target = django_filters.CharFilter(
        method="filter_target", max_length=105, help_text="A kind, or a kind and an id: `room`, `user:<id>`."
    )
    created_after = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    def filter_target(self, queryset: QuerySet[AuditEvent], name: str, value: str) -> QuerySet[AuditEvent]:
        """Events of a kind of target, or of one target with its id."""
        kind, separator, identifier = value.partition(":")
        rows = queryset.filter(target=kind)
        return rows.filter(target_id=identifier) if separator else rows
