"""Zone admin: the audit log."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import selectors, serializers
from apps.audit.filters import AuditFilter
from apps.common.http.permissions import caller_of
from apps.common.models import AuditEvent


class Events(ListAPIView[AuditEvent]):
    """`audit/`."""

    queryset = AuditEvent.objects.none()
    serializer_class = serializers.AuditEventOutput
    filterset_class = AuditFilter

    def get_queryset(self) -> QuerySet[AuditEvent]:
        """As far as the caller may see it."""
        return selectors.list_events(actor=caller_of(self.request))

    @extend_schema(operation_id="audit_list", tags=["audit"], summary="The audit log, the newest first")
    def get(self, request: Request) -> Response:
        """200 with a page."""
        return self.list(request)
