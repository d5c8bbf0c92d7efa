"""The audit log, in the admin zone."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.audit import selectors
from apps.audit.filters import AuditFilter
from apps.audit.serializers import AuditEventOutput
from apps.common.http.operation import ApiRequest, View, operation
from apps.common.models import AuditEvent


class EventsView(View, tag="audit"):
    @operation("audit_list", "The audit log, the newest first", page=AuditEventOutput, filters=AuditFilter)
    def get(self, request: ApiRequest) -> QuerySet[AuditEvent]:
        return selectors.list_events(actor=request.caller)
