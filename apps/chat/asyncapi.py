"""The socket as an AsyncAPI 3 document, with examples. A test compares a conversation on a running server with it."""

from __future__ import annotations

from typing import Any, Final

from apps.chat import protocol
from apps.chat.models import MAX_ATTACHMENTS, MAX_TEXT, SLUG_PATTERN, Role
from apps.chat.services.message_parts import MAX_MENTIONS
from apps.common.sockets import close_codes
from apps.common.sockets.asyncapi import Socket, message
from infrastructure.product import PRODUCT

ZONE: Final = "private"
"""Beside this zone's OpenAPI documents it is served, to those who may read them."""

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
_PERSON: Final = {"oneOf": [_UUID, {"type": "null"}], "description": "null: the system."}

CLOSE_CODES: Final = {
    close_codes.NOT_A_MEMBER: "Not a member of the room, or not any more.",
    close_codes.NO_SUCH_ROOM: "No such room, or one that you cannot see, or it was deleted.",
}


def document() -> dict[str, Any]:
    """Build the document."""
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
        unoffered=" Without an offer it is this version that is spoken.",
    ).document()


def _received() -> dict[str, Any]:
    """Frames from clients."""
    return {
        "say": message(
            "Post a message. With files the text may be empty.",
            {
                "type": {"const": "message"},
                "message": _TEXT,
                "client_id": {
                    **_UUID,
                    "description": "Your name for it; made up when it is left out. You get it back as you sent it.",
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
        "sayTyping": message("You are writing.", {"type": {"const": "typing"}}, {"type": "typing"}),
        "sayRead": message(
            "You have read up to a number.",
            {"type": {"const": "read"}, "seq": {"type": "integer", "minimum": 0}},
            {"type": "read", "seq": 7},
        ),
        "ping": message("Are you there?", {"type": {"const": "ping"}}, {"type": "ping"}),
    }


def _sent() -> dict[str, Any]:
    """Frames to clients."""
    person = {"user": _UUID, "name": _NAME}
    people = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": person,
            "required": ["user", "name"],
            "additionalProperties": False,
        },
    }
    mentions = {**people, "maxItems": MAX_MENTIONS, "description": "Members whom the text names as `<@id>`."}
    return {
        "welcome": message(
            "You are in: the newest message, the newest change, and who is there. It comes again when the socket lagged and missed who came and went.",
            {
                "type": {"const": "welcome"},
                "room": _NAME,
                "seq": {**_SEQ, "minimum": 0},
                "change": {**_CHANGE, "minimum": 0},
                "online": people,
            },
            {
                "type": "welcome",
                "room": "lobby",
                "seq": 7,
                "change": 2,
                "online": [{"user": _ADA, "name": "Ada"}],
            },
        ),
        "ack": message(
            "Your message is stored, under this number.",
            {"type": {"const": "ack"}, "client_id": _UUID, "id": _UUID, "seq": _SEQ, "at": _TIME},
            {"type": "ack", "client_id": _CLIENT_ID, "id": _FIRST, "seq": 8, "at": _AT},
        ),
        "message": _the_message(mentions),
        "edited": message(
            "A message says something else now, and so do the quotes of it.",
            {
                "type": {"const": "edited"},
                "id": _UUID,
                "seq": _SEQ,
                "change": _CHANGE,
                "message": _TEXT,
                "edited_at": _TIME,
                "mentions": mentions,
            },
            {
                "type": "edited",
                "id": _FIRST,
                "seq": 8,
                "change": 3,
                "message": "hello",
                "edited_at": _AT,
                "mentions": [],
            },
        ),
        "deleted": message(
            "A message was deleted; quotes of it are empty now.",
            {"type": {"const": "deleted"}, "id": _UUID, "seq": _SEQ, "change": _CHANGE},
            {"type": "deleted", "id": _FIRST, "seq": 8, "change": 4},
        ),
        "presence": message(
            "Someone came or went. Not told in a room of more than 256 people; once there are fewer, all that has changed is.",
            {"type": {"const": "presence"}, **person, "online": {"type": "boolean"}},
            {"type": "presence", "user": _GRACE, "name": "Grace", "online": True},
        ),
        "typing": message(
            "Someone is writing; at most every two seconds.",
            {"type": {"const": "typing"}, **person},
            {"type": "typing", "user": _GRACE, "name": "Grace"},
        ),
        "read": message(
            "Someone has read up to a number.",
            {"type": {"const": "read"}, "user": _UUID, "seq": {**_SEQ, "minimum": 0}},
            {"type": "read", "user": _GRACE, "seq": 8},
        ),
        "member": message(
            "Someone's role has changed, or they are muted or no longer so.",
            {
                "type": {"const": "member"},
                "user": _UUID,
                "role": {"enum": list(Role.values)},
                "muted_until": {"oneOf": [_TIME, {"type": "null"}]},
            },
            {"type": "member", "user": _GRACE, "role": "moderator", "muted_until": None},
        ),
        "event": message(
            "Something that a service shows to the room or to you; it is not kept.",
            {"type": {"const": "event"}, "name": _NAME, "data": {"type": "object"}},
            {"type": "event", "name": "deploy.finished", "data": {"version": "1.2"}},
        ),
        "pong": message("The answer to a ping.", {"type": {"const": "pong"}}, {"type": "pong"}),
        "error": message(
            "A frame was refused; the socket stays open. Codes are those of REST, and `invalid_frame`.",
            {
                "type": {"const": "error"},
                "code": _NAME,
                "detail": {"type": "string"},
                "client_id": {
                    "type": "string",
                    "maxLength": 64,
                    "description": "Of the message that was refused, as it was sent.",
                },
                "until": {**_TIME, "description": "With code `muted`."},
            },
            {"type": "error", "code": "invalid_message", "detail": "…", "client_id": _CLIENT_ID},
            optional=("client_id", "until"),
        ),
    }


def _the_message(mentions: dict[str, Any]) -> dict[str, Any]:
    quote = {
        "id": _UUID,
        "seq": _SEQ,
        "message": _TEXT,
        "from": _PERSON,
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
        "type": "message",
        "id": _FIRST,
        "seq": 8,
        "message": "hi",
        "from": _ADA,
        "from_name": "Ada",
        "at": _AT,
        "client_id": _CLIENT_ID,
    }
    return message(
        "A message, live or replayed. A deleted one has lost its text.",
        {
            "type": {"const": "message"},
            "id": _UUID,
            "seq": _SEQ,
            "message": _TEXT,
            "from": _PERSON,
            "from_name": _NAME,
            "at": _TIME,
            "client_id": _UUID,
            "change": {**_CHANGE, "description": "Its last change; a change with a lower number is older."},
            "edited_at": _TIME,
            "deleted": {"const": True},
            "reply_to": {
                "type": "object",
                "properties": quote,
                "required": list(quote),
                "additionalProperties": False,
            },
            "attachments": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": file,
                    "required": list(file),
                    "additionalProperties": False,
                },
            },
            "mentions": mentions,
        },
        plain,
        {
            **plain,
            "id": _SECOND,
            "seq": 9,
            "message": "",
            "from": None,
            "from_name": "System",
            "deleted": True,
            "change": 4,
        },
        optional=("change", "edited_at", "deleted", "reply_to", "attachments", "mentions"),
    )
