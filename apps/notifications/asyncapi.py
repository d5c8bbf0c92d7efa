"""`/ws/notifications/` as an AsyncAPI 3 document.

The event stream at the private zone carries the same frames as what clients hear, but
for `pong` and `error`. A test holds a conversation on a running server against this document.
"""

from __future__ import annotations

from typing import Any, Final

from apps.common.sockets import handshake
from apps.common.sockets.asyncapi import Socket, message
from apps.notifications import consumers
from apps.notifications.live import stream
from apps.notifications.models import BODY_LENGTH, KIND_LENGTH, LINK_LENGTH, TITLE_LENGTH

ZONE: Final = "private"
"""Beside this zone's OpenAPI documents it is served, to those who may read them."""

_ID: Final = "01985d3a-7c00-7bbb-8bbb-000000000001"
_UUID: Final = {"type": "string", "format": "uuid"}
_NUMBER: Final = {"type": "integer", "minimum": 0}
_UNREAD: Final = {**_NUMBER, "description": "How many are unread."}

_NOTIFICATION: Final[dict[str, Any]] = {
    "id": _UUID,
    "seq": {**_NUMBER, "minimum": 1, "description": "Ascending without gaps for each person."},
    "kind": {"type": "string", "maxLength": KIND_LENGTH, "description": "`<slice>.<what>`"},
    "title": {"type": "string", "maxLength": TITLE_LENGTH},
    "body": {"type": "string", "maxLength": BODY_LENGTH},
    "link": {"type": "string", "maxLength": LINK_LENGTH, "description": "A path of this site, or empty."},
    "data": {"type": "object", "description": "A few ids and codes of its kind."},
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

CLOSE_CODES: Final = {
    handshake.NOT_AUTHENTICATED: "Not authenticated: no token, or one that does not hold. Come back with a new one.",
    handshake.UNKNOWN_VERSION: f"Of the versions that were offered none is spoken here; offer {consumers.PROTOCOL}.",
    stream.SESSION_ENDED: "The session has ended. Sign in.",
    consumers.TOO_MANY_SOCKETS: "Too many sockets of this person or address. Come back later.",
    consumers.TOO_FAST: "Too many frames, or too many tokens that do not hold. Come back, and be slower.",
    consumers.TOO_BIG: f"A frame of more than {consumers.MAX_FRAME} bytes.",
    stream.RESTART: "The server restarts, or cannot ask its database. Come back with `?after=`.",
    consumers.LAGS: "The socket took nothing for too long. Come back with `?after=`.",
}


def document() -> dict[str, Any]:
    """The document, made anew."""
    return Socket(
        name="notifications",
        title="Sarsen: notifications",
        description="What one person is told, as it comes: stored first, numbered without gaps for each person;"
        " `?after=<seq>` brings what was missed before what is new.",
        address="/ws/notifications/",
        channel_title="One's notifications",
        protocol=consumers.PROTOCOL,
        close_codes=CLOSE_CODES,
        said={"ping": message("Are you there?", {"type": {"const": "ping"}}, {"type": "ping"})},
        told=_told(),
        after="The newest number that you have; what follows it is brought.",
    ).document()


def _told() -> dict[str, Any]:
    """What clients get."""
    return {
        "welcome": message(
            "You are in: the newest number, and how many are unread.",
            {"type": {"const": "welcome"}, "seq": _NUMBER, "unread": _UNREAD},
            {"type": "welcome", "seq": 7, "unread": 2},
        ),
        "notification": message(
            "Something that you are told, new or missed; in order, once.",
            {"type": {"const": "notification"}, **_NOTIFICATION},
            {"type": "notification", **_EXAMPLE},
        ),
        "changed": message(
            "A notification that you have reads differently now; the same fields as in `notification`.",
            {"type": {"const": "changed"}, **_NOTIFICATION},
            {"type": "changed", **_EXAMPLE, "body": "@Grace look here"},
        ),
        "removed": message(
            "Notifications were retracted: what they quoted is gone, or no longer yours to read.",
            {"type": {"const": "removed"}, "ids": {"type": "array", "items": _UUID}},
            {"type": "removed", "ids": [_ID]},
        ),
        "unread": message(
            "How many are unread now: behind new ones, and when some were read or retracted.",
            {"type": {"const": "unread"}, "unread": _UNREAD},
            {"type": "unread", "unread": 3},
        ),
        "event": message(
            "Something that a service shows to you; it is not kept.",
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
