"""Zone admin: the audit log."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import selectors, serializers
from apps.audit.filters import AuditFilter
from apps.common.models import AuditEvent


class Events(ListAPIView[AuditEvent]):
    """`audit/`."""

    queryset = selectors.list_events()
    serializer_class = serializers.AuditEventOutput
    filterset_class = AuditFilter

    @extend_schema(operation_id="audit_list", tags=["audit"], summary="The audit log, the newest first")
    def get(self, request: Request) -> Response:
        """200 with a page."""
        return self.list(request)
