"""Reads of the audit log, whose table is apps.common's."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.common.models import AuditEvent


def list_events() -> QuerySet[AuditEvent]:
    """Everything that was recorded and not yet let go, the newest first."""
    return AuditEvent.objects.order_by("-at", "-id")
