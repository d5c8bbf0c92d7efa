"""`/ws/notifications/` as an AsyncAPI 3 document.

The event stream in the private zone sends the same frames, except `pong` and `error`. A test compares a conversation on a
running server with this document.
"""

from __future__ import annotations

from typing import Any, Final

from apps.common.sockets.asyncapi import Socket, message
from apps.notifications import consumers
from apps.notifications.models import BODY_LENGTH, KIND_LENGTH, LINK_LENGTH, TITLE_LENGTH
from infrastructure.product import PRODUCT

ZONE: Final = "private"
"""The zone whose OpenAPI documents it is served with, to the same readers."""

_ID: Final = "01985d3a-7c00-7bbb-8bbb-000000000001"
_UUID: Final = {"type": "string", "format": "uuid"}
_NUMBER: Final = {"type": "integer", "minimum": 0}
_UNREAD: Final = {**_NUMBER, "description": "Number of unread notifications."}

_NOTIFICATION: Final[dict[str, Any]] = {
    "id": _UUID,
    "seq": {**_NUMBER, "minimum": 1, "description": "Ascending without gaps for each user."},
    "kind": {"type": "string", "maxLength": KIND_LENGTH, "description": "`<slice>.<kind>`"},
    "title": {"type": "string", "maxLength": TITLE_LENGTH},
    "body": {"type": "string", "maxLength": BODY_LENGTH},
    "link": {"type": "string", "maxLength": LINK_LENGTH, "description": "A path of this site, or empty."},
    "data": {"type": "object", "description": "Ids and codes that depend on the kind."},
    "at": {"type": "string", "format": "date-time"},
    "read": {"type": "boolean"},
}
_EXAMPLE: Final[dict[str, Any]] = {
    "id": _ID,
    "seq": 8,
    "kind": "chat.mention",
    "title": "Ada mentioned you in Lobby",
    "body": "@Grace look",
    "link": "/#/rooms/lobby",
    "data": {"room": "lobby", "seq": 12},
    "at": "2026-05-01T12:00:00.123456Z",
    "read": False,
}


def document() -> dict[str, Any]:
    return Socket(
        name="notifications",
        title=f"{PRODUCT.name}: notifications",
        description="The notifications of a user as they arrive: stored first, numbered without gaps for each user;"
        " `?after=<seq>` replays what was missed before what is live: first the changes of notifications up to that"
        " number, each notification as it is now, then the notifications that follow.",
        address="/ws/notifications/",
        channel_title="Notifications of a user",
        protocol=consumers.PROTOCOL,
        max_frame=consumers.MAX_FRAME,
        received={"ping": message("Request a pong.", {"type": {"const": "ping"}}, {"type": "ping"})},
        sent=_sent(),
        after="The newest number that you have; what follows it is replayed, and what has changed since then.",
    ).document()


def _sent() -> dict[str, Any]:
    return {
        "welcome": message(
            "The first frame: the newest number, and the number of unread notifications.",
            {"type": {"const": "welcome"}, "seq": _NUMBER, "unread": _UNREAD},
            {"type": "welcome", "seq": 7, "unread": 2},
        ),
        "notification": message(
            "A notification, new or replayed; in order, once.",
            {"type": {"const": "notification"}, **_NOTIFICATION},
            {"type": "notification", **_EXAMPLE},
        ),
        "changed": message(
            "The text of a notification changed; the fields of `notification`.",
            {"type": {"const": "changed"}, **_NOTIFICATION},
            {"type": "changed", **_EXAMPLE, "body": "@Grace look here"},
        ),
        "removed": message(
            "Notifications were deleted, because what they quoted was deleted or you may no longer read it.",
            {"type": {"const": "removed"}, "ids": {"type": "array", "items": _UUID}},
            {"type": "removed", "ids": [_ID]},
        ),
        "unread": message(
            "The number of unread notifications, after new ones and when some were read or deleted.",
            {"type": {"const": "unread"}, "unread": _UNREAD},
            {"type": "unread", "unread": 3},
        ),
        "event": message(
            "An event from a service. It is not stored.",
            {"type": {"const": "event"}, "name": {"type": "string"}, "data": {"type": "object"}},
            {"type": "event", "name": "deploy.finished", "data": {"version": "1.2"}},
        ),
        "pong": message("The answer to a ping.", {"type": {"const": "pong"}}, {"type": "pong"}),
        "error": message(
            "A frame was refused; the socket stays open.",
            {
                "type": {"const": "error"},
                "code": {"const": "invalid_frame"},
                "detail": {"type": "string"},
            },
            {"type": "error", "code": "invalid_frame", "detail": "The only frame is a ping."},
        ),
    }
