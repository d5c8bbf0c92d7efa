"""Zone private: one's own list and preferences, and the stream of what comes."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import FieldError, InvalidInput, raises
from apps.common.http.client_address import client_address
from apps.common.http.permissions import caller_of
from apps.common.http.renderers import JSONRenderer
from apps.notifications import exceptions, selectors, serializers, services
from apps.notifications.filters import NotificationFilter
from apps.notifications.live import quota, sse
from apps.notifications.live.stream import PAGE
from apps.notifications.models import Notification
from infrastructure.server.wsgi_bridge import TAKEOVER

TAGS = ["Notifications"]
_DIGITS = 18  # of the number of a notification


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


class EventStreamRenderer(BaseRenderer):
    """`text/event-stream`, so that it can be asked for; what is sent is written by `live.events`."""

    media_type = "text/event-stream"
    format = "events"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Nothing is rendered by DRF here."""
        return b""


class StreamEvents(APIView):
    """Notifications as they come, for clients that cannot use WebSockets."""

    renderer_classes = (EventStreamRenderer, JSONRenderer)

    @extend_schema(
        operation_id="notifications_stream",
        tags=TAGS,
        summary="Stream one's notifications (Server-Sent Events)",
        parameters=[
            OpenApiParameter(
                "Last-Event-ID",
                {"type": "string", "pattern": f"^[0-9]{{0,{_DIGITS}}}$"},
                OpenApiParameter.HEADER,
                description="The number of the last notification that was seen; those after it come first.",
            ),
            OpenApiParameter(
                "after",
                {"type": "integer", "minimum": 0, "maximum": 10**_DIGITS - 1},
                description="The same, for clients without a header.",
            ),
        ],
        responses={(200, "text/event-stream"): serializers.STREAMED},
    )
    @raises(exceptions.TooManyStreams, InvalidInput)
    def get(self, request: Request) -> HttpResponseBase:
        """Events `welcome`, `notification` (its id is its number), `unread`, `event`, and `end` when the session is over.

        Comments keep the line alive. Where no event loop serves it, the answer holds what is new and ends; the client
        comes back by itself, with `Last-Event-ID`.
        """
        http = request._request
        caller = caller_of(request)
        user_id, after = caller.user.pk, _after(request)
        takeover = http.META.get(TAKEOVER)
        body = [sse.OPENING]
        if takeover is not None and http.method == "GET":
            slot = quota.take(user=str(user_id), address=client_address(http))
            live = partial(sse.live, user_id=user_id, session_id=caller.session_id, after=after)
            takeover.offer(live, release=slot.release)
        elif after is not None:
            missed = selectors.list_notifications_after(user_id=user_id, after=after, limit=PAGE)
            body += sse.written(missed)
        return StreamingHttpResponse(
            body,
            content_type="text/event-stream; charset=utf-8",
            # For nginx and its like: hand on each event as it comes.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


def _after(request: Request) -> int | None:
    """Where the client left off; None to begin now. Raises InvalidInput."""
    given = request.headers.get("Last-Event-ID") or request.query_params.get("after")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= _DIGITS):
        raise InvalidInput(
            errors=[FieldError(field="after", code="invalid", detail="The number of a notification.")]
        )
    return int(given)
