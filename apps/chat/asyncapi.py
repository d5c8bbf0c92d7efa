"""`/ws/chat/<room>/` as an AsyncAPI 3 document. A test compares a conversation on a running server with it."""

from __future__ import annotations

from typing import Any, Final

from apps.chat import protocol
from apps.chat.models import MAX_ATTACHMENTS, MAX_TEXT, SLUG_PATTERN, Role
from apps.chat.services.message_parts import MAX_MENTIONS
from apps.common.sockets import close_codes
from apps.common.sockets.asyncapi import Socket, message
from infrastructure.product import PRODUCT

ZONE: Final = "private"
"""The zone whose OpenAPI documents it is served with, to the same readers."""

_ADA, _GRACE = "01985d3a-7c00-7aaa-8aaa-000000000001", "01985d3a-7c00-7aaa-8aaa-000000000002"
_FIRST, _SECOND = "01985d3a-7c00-7bbb-8bbb-000000000001", "01985d3a-7c00-7bbb-8bbb-000000000002"
_FILE, _CLIENT_ID = "01985d3a-7c00-7ccc-8ccc-000000000001", "6f1c2d3e-4b5a-4c6d-8e7f-0a1b2c3d4e5f"
_AT = "2026-05-01T12:00:00.123456Z"

_UUID: Final = {"type": "string", "format": "uuid"}
_TIME: Final = {"type": "string", "format": "date-time"}
_SEQ: Final = {
    "type": "integer",
    "minimum": 1,
    "description": "Number of a message in its room, without gaps.",
}
_CHANGE: Final = {
    "type": "integer",
    "minimum": 1,
    "description": "Number of a change (an edit or a deletion) in its room.",
}
_TEXT: Final = {"type": "string", "maxLength": MAX_TEXT}
_NAME: Final = {"type": "string"}
_SENDER: Final = {"oneOf": [_UUID, {"type": "null"}], "description": "null for system messages."}
_USER: Final = {"user": _UUID, "name": _NAME}

CLOSE_CODES: Final = {
    close_codes.NOT_A_MEMBER: "Not a member of the room, or no longer.",
    close_codes.NO_SUCH_ROOM: "The room does not exist, was deleted, or is not visible to you.",
}


def document() -> dict[str, Any]:
    return Socket(
        name="room",
        title=f"{PRODUCT.name}: chat",
        description="One socket is one room. A message is stored before it is acknowledged, numbered without gaps,"
        " and delivered once and in order. Changes (edits and deletions) are numbered, too. `?after=<seq>` replays what was"
        " missed before what is live: first the changes of older messages, each message as it is now, then the messages."
        " The same `client_id` sent twice by the same user is one message.",
        address="/ws/chat/{room}/",
        channel_title="A room",
        parameters={"room": {"description": f"The room's slug, `{SLUG_PATTERN}`.", "examples": ["lobby"]}},
        protocol=protocol.PROTOCOL,
        close_codes=CLOSE_CODES,
        max_frame=protocol.MAX_FRAME,
        received=_received(),
        sent=_sent(),
        after="The newest number that you have; what follows it is replayed, and what has changed since then.",
        changes="The newest change that you have seen; with it, exactly the changes that follow it are replayed.",
        unoffered=" Without an offer this version is used.",
    ).document()


def _received() -> dict[str, Any]:
    return {
        "say": message(
            "Post a message. With files the text may be empty.",
            {
                "type": {"const": "message"},
                "message": _TEXT,
                "client_id": {
                    **_UUID,
                    "description": "Your id for the message, generated if omitted. It is returned as it was sent.",
                },
                "reply_to": {
                    "oneOf": [_UUID, {"type": "null"}],
                    "description": "Id of a message of the room.",
                },
                "attachments": {"type": "array", "items": _UUID, "maxItems": MAX_ATTACHMENTS},
            },
            {"message": "hi", "client_id": _CLIENT_ID},
            {"type": "message", "message": "look", "reply_to": _FIRST, "attachments": [_FILE]},
            optional=("type", "client_id", "reply_to", "attachments"),
        ),
        "sayTyping": _frame("typing", "You are typing.", {}, {}),
        "sayRead": _frame(
            "read", "You have read up to a number.", {"seq": {"type": "integer", "minimum": 0}}, {"seq": 7}
        ),
        "ping": _frame("ping", "Request a pong.", {}, {}),
    }


def _sent() -> dict[str, Any]:
    users = _list(_USER)
    mentions = {**users, "maxItems": MAX_MENTIONS, "description": "Members mentioned in the text as `<@id>`."}
    return {
        "welcome": _frame(
            "welcome",
            "The first frame: the newest message, the newest change, and the members who are online. It is sent again"
            " when the socket lagged and missed presence changes.",
            {
                "room": _NAME,
                "seq": {**_SEQ, "minimum": 0},
                "change": {**_CHANGE, "minimum": 0},
                "online": users,
            },
            {"room": "lobby", "seq": 7, "change": 2, "online": [{"user": _ADA, "name": "Ada"}]},
        ),
        "ack": _frame(
            "ack",
            "Your message is stored, under this number.",
            {"client_id": _UUID, "id": _UUID, "seq": _SEQ, "at": _TIME},
            {"client_id": _CLIENT_ID, "id": _FIRST, "seq": 8, "at": _AT},
        ),
        "message": _the_message(mentions),
        "edited": _frame(
            "edited",
            "The text of a message changed, and with it the quotes of it.",
            {
                "id": _UUID,
                "seq": _SEQ,
                "change": _CHANGE,
                "message": _TEXT,
                "edited_at": _TIME,
                "mentions": mentions,
            },
            {"id": _FIRST, "seq": 8, "change": 3, "message": "hello", "edited_at": _AT, "mentions": []},
        ),
        "deleted": _frame(
            "deleted",
            "A message was deleted, and with it the text in quotes of it.",
            {"id": _UUID, "seq": _SEQ, "change": _CHANGE},
            {"id": _FIRST, "seq": 8, "change": 4},
        ),
        "presence": _frame(
            "presence",
            "A member came online or went offline. Not sent in a room with more than 256 users online; once there are"
            " fewer, all changes since are sent.",
            {**_USER, "online": {"type": "boolean"}},
            {"user": _GRACE, "name": "Grace", "online": True},
        ),
        "typing": _frame(
            "typing",
            "A member is typing; at most every two seconds.",
            _USER,
            {"user": _GRACE, "name": "Grace"},
        ),
        "read": _frame(
            "read",
            "A member has read up to a number.",
            {"user": _UUID, "seq": {**_SEQ, "minimum": 0}},
            {"user": _GRACE, "seq": 8},
        ),
        "member": _frame(
            "member",
            "The role of a member changed, or they were muted or unmuted.",
            {
                "user": _UUID,
                "role": {"enum": list(Role.values)},
                "muted_until": {"oneOf": [_TIME, {"type": "null"}]},
            },
            {"user": _GRACE, "role": "moderator", "muted_until": None},
        ),
        "event": _frame(
            "event",
            "An event from a service to the room or to you. It is not stored.",
            {"name": _NAME, "data": {"type": "object"}},
            {"name": "deploy.finished", "data": {"version": "1.2"}},
        ),
        "pong": _frame("pong", "The answer to a ping.", {}, {}),
        "error": _frame(
            "error",
            "A frame was refused; the socket stays open. Codes are those of REST, and `invalid_frame`.",
            {
                "code": _NAME,
                "detail": {"type": "string"},
                "client_id": {
                    "type": "string",
                    "maxLength": 64,
                    "description": "That of the refused message, as it was sent.",
                },
                "until": {**_TIME, "description": "With code `muted`."},
            },
            {"code": "invalid_message", "detail": "…", "client_id": _CLIENT_ID},
            optional=("client_id", "until"),
        ),
    }


def _the_message(mentions: dict[str, Any]) -> dict[str, Any]:
    quote = {
        "id": _UUID,
        "seq": _SEQ,
        "message": _TEXT,
        "from": _SENDER,
        "from_name": _NAME,
        "deleted": {"type": "boolean"},
    }
    size = {"oneOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}
    file = {
        "id": _UUID,
        "name": _NAME,
        "type": _NAME,
        "size": {"type": "integer"},
        "width": size,
        "height": size,
    }
    plain = {
        "id": _FIRST,
        "seq": 8,
        "message": "hi",
        "from": _ADA,
        "from_name": "Ada",
        "at": _AT,
        "client_id": _CLIENT_ID,
    }
    deleted = {"id": _SECOND, "seq": 9, "message": "", "from": None, "from_name": "System"}
    return _frame(
        "message",
        "A message, live or replayed. The text of a deleted one is empty.",
        {
            "id": _UUID,
            "seq": _SEQ,
            "message": _TEXT,
            "from": _SENDER,
            "from_name": _NAME,
            "at": _TIME,
            "client_id": _UUID,
            "change": {**_CHANGE, "description": "Its last change; a change with a lower number is older."},
            "edited_at": _TIME,
            "deleted": {"const": True},
            "reply_to": _object(quote),
            "attachments": _list(file),
            "mentions": mentions,
        },
        plain,
        {**plain, **deleted, "deleted": True, "change": 4},
        optional=("change", "edited_at", "deleted", "reply_to", "attachments", "mentions"),
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _object(properties)}


def _frame(
    kind: str,
    summary: str,
    properties: dict[str, Any],
    *examples: dict[str, Any],
    optional: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A frame whose first member is its type."""
    shown = [{"type": kind, **example} for example in examples]
    return message(summary, {"type": {"const": kind}, **properties}, *shown, optional=optional)
