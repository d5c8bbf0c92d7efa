"""Zone private: one's own list and preferences."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.documentation import raises
from apps.common.permissions import caller_of
from apps.notifications import exceptions, selectors, serializers, services
from apps.notifications.filters import NotificationFilter
from apps.notifications.models import Notification

TAGS = ["Notifications"]


class Notifications(GenericAPIView[Any]):
    """What one was told."""

    queryset = Notification.objects.none()
    serializer_class = serializers.NotificationOutput
    filterset_class = NotificationFilter

    def get_queryset(self) -> QuerySet[Notification]:
        """The caller's own."""
        return selectors.list_notifications(user_id=caller_of(self.request).user.pk)

    @extend_schema(
        operation_id="notifications_list",
        tags=TAGS,
        summary="List one's notifications",
        responses=serializers.NotificationOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(serializers.NotificationOutput(page, many=True).data)


class Summary(APIView):
    """How much is unread."""

    @extend_schema(
        operation_id="notifications_summary",
        tags=TAGS,
        summary="Count unread notifications",
        responses=serializers.SummaryOutput,
    )
    def get(self, request: Request) -> Response:
        """And the number of the newest one, to ask a stream for what comes after it."""
        summary = selectors.get_summary(user_id=caller_of(request).user.pk)
        return Response(serializers.SummaryOutput(summary).data)


class Read(APIView):
    """Reading one."""

    @extend_schema(
        operation_id="notifications_read",
        tags=TAGS,
        summary="Mark a notification as read",
        request=None,
        responses=serializers.SummaryOutput,
    )
    @raises(exceptions.NotificationNotFound)
    def post(self, request: Request, notification_id: UUID) -> Response:
        """Answers with what is left."""
        summary = services.mark_read(user_id=caller_of(request).user.pk, notification_id=notification_id)
        return Response(serializers.SummaryOutput(summary).data)


class ReadAll(APIView):
    """Reading all."""

    @extend_schema(
        operation_id="notifications_read_all",
        tags=TAGS,
        summary="Mark all notifications as read",
        request=serializers.ReadAllInput,
        responses=serializers.SummaryOutput,
    )
    def post(self, request: Request) -> Response:
        """With `up_to`, what came in after you looked stays unread. Answers with what is left."""
        data = serializers.ReadAllInput(data=request.data)
        data.is_valid(raise_exception=True)
        summary = services.mark_all_read(
            user_id=caller_of(request).user.pk, up_to=data.validated_data.get("up_to")
        )
        return Response(serializers.SummaryOutput(summary).data)


class Preferences(APIView):
    """What one wants to hear of."""

    @extend_schema(
        operation_id="notifications_preferences",
        tags=TAGS,
        summary="Read one's preferences",
        responses=serializers.PreferencesOutput,
    )
    def get(self, request: Request) -> Response:
        """With the kinds that there are."""
        inbox = selectors.get_inbox(user_id=caller_of(request).user.pk)
        return Response(serializers.PreferencesOutput(inbox).data)

    @extend_schema(
        operation_id="notifications_preferences_update",
        tags=TAGS,
        summary="Change one's preferences",
        request=serializers.PreferencesInput,
        responses=serializers.PreferencesOutput,
    )
    def patch(self, request: Request) -> Response:
        """How often a digest comes, and what not to be told of."""
        data = serializers.PreferencesInput(data=request.data)
        data.is_valid(raise_exception=True)
        inbox = services.set_preferences(user_id=caller_of(request).user.pk, **data.validated_data)
        return Response(serializers.PreferencesOutput(inbox).data)
