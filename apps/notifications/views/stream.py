"""Zone private: notifications as Server-Sent Events, for clients that cannot use WebSockets."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import BaseRenderer

from apps.common.exceptions import FieldError, InvalidInput, Unavailable
from apps.common.http.client_address import client_address
from apps.common.http.operation import ApiRequest, View, operation
from apps.common.http.renderers import JSONRenderer
from apps.notifications import exceptions
from apps.notifications.live import quota, sse
from apps.users.exceptions import TicketRefused
from infrastructure.server.wsgi_bridge import TAKEOVER

_DIGITS: Final = 18  # of the number of a notification
# An event of the stream for OpenAPI tools (WHATWG HTML, section 9.2).
_EVENT: Final = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {
            "type": "string",
            "enum": ["welcome", "notification", "changed", "removed", "unread", "event", "end"],
        },
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string"},
    },
}


class EventStreamRenderer(BaseRenderer):
    """Negotiates `text/event-stream`; the content is written by `live.sse`."""

    media_type = "text/event-stream"
    format = "events"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b""


class StreamView(View, tag="Notifications"):
    renderer_classes = (EventStreamRenderer, JSONRenderer)
    # `EventSource` in browsers cannot set headers.
    further_authentication = ("ticket",)

    @operation(
        "notifications_stream",
        "Stream your notifications (Server-Sent Events)",
        answers={(200, "text/event-stream"): _EVENT},
        failures=[exceptions.TooManyStreams, InvalidInput, TicketRefused, Unavailable],
        parameters=[
            OpenApiParameter(
                "Last-Event-ID",
                {"type": "string", "pattern": f"^[0-9]{{0,{_DIGITS}}}$"},
                OpenApiParameter.HEADER,
                description="The number of the last notification received; what was missed since then comes first.",
            ),
            OpenApiParameter(
                "after",
                {"type": "integer", "minimum": 0, "maximum": 10**_DIGITS - 1},
                description="The same, for clients without a header.",
            ),
            OpenApiParameter(
                "ticket",
                {"type": "string"},
                description="A ticket of `POST tickets/`, for clients that cannot set `Authorization`.",
            ),
        ],
    )
    def get(self, request: ApiRequest) -> HttpResponseBase:
        """Events `welcome`, `notification` (its id is its number), `changed`, `removed`, `unread`, `event` and `end`.

        `end` is sent when the session has ended. Comments keep the connection alive. Without an event loop the response
        contains what was missed and ends; the client reconnects with `Last-Event-ID`.
        """
        user_id, after = request.caller.user.pk, _after(request)
        takeover = request.META.get(TAKEOVER)
        body = [sse.OPENING]
        if takeover is not None and request.method == "GET":
            release = quota.take(user=str(user_id), address=client_address(request))
            live = partial(sse.live, user_id=user_id, session_id=request.caller.session_id, after=after)
            takeover.offer(live, release=release)
        elif after is not None:
            body += sse.list_missed(user_id=user_id, after=after)
        return StreamingHttpResponse(
            body,
            content_type="text/event-stream; charset=utf-8",
            # Reverse proxies such as nginx must not buffer events.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


def _after(request: HttpRequest) -> int | None:
    """Returns the last number that the client received; None to begin now. Raises InvalidInput."""
    header = request.headers.get("Last-Event-ID") or None
    given = [text for text in (header, request.GET.get("after")) if text is not None]
    if not all(text.isascii() and text.isdigit() and len(text) <= _DIGITS for text in given):
        raise InvalidInput(
            errors=[FieldError(field="after", code="invalid", detail="The number of a notification.")]
        )
    return int(given[0]) if given else None
