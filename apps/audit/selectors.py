"""Reads of the audit log, whose table is apps.common's."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.audit import policies
from apps.common.callers import Caller
from apps.common.models import AuditEvent


def list_events(*, actor: Caller) -> QuerySet[AuditEvent]:
    """The retained events that the actor may see, the newest first."""
    return AuditEvent.objects.filter(policies.visible(actor)).order_by("-at", "-id")
