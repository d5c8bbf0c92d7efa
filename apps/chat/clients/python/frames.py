"""The frames of `sarsen.chat.v1`, as docs/chat.md describes them. Times are ISO 8601 in UTC, ids are UUIDs as text."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from apps.common.client_runtime.python.reconnecting_socket import EventFrame, PongFrame


class Present(TypedDict):
    """Someone who is in a room right now."""

    user: str
    name: str


class WelcomeFrame(TypedDict):
    """First after connecting: the room's newest number, and who is there."""

    type: Literal["welcome"]
    room: str
    seq: int
    online: list[Present]


class AckFrame(TypedDict):
    """The receipt of one's own message: it is stored, under this number."""

    type: Literal["ack"]
    client_id: str
    id: str
    seq: int
    at: str


class Attachment(TypedDict):
    """A file of a message. `type` was found by its content; `size` in bytes; `width` and `height` in pixels, of images."""

    id: str
    name: str
    type: str
    size: int
    width: int | None
    height: int | None


class Mention(TypedDict):
    """A member whom a message names as `<@user>`."""

    user: str
    name: str


# `from` is a word of the language, so these are no classes. The first is the message that another one answers.
Quote = TypedDict(
    "Quote",
    {"id": str, "seq": int, "message": str, "from": str | None, "from_name": str, "deleted": bool},
)
MessageFrame = TypedDict(
    "MessageFrame",
    {
        "type": Literal["message"],
        "id": str,
        "seq": int,
        "message": str,
        "from": str | None,
        "from_name": str,
        "at": str,
        "client_id": str,
        "edited_at": NotRequired[str],
        "deleted": NotRequired[bool],
        "reply_to": NotRequired[Quote],
        "attachments": NotRequired[list[Attachment]],
        "mentions": NotRequired[list[Mention]],
    },
)


class EditedFrame(TypedDict):
    """A message says something else now."""

    type: Literal["edited"]
    id: str
    seq: int
    message: str
    edited_at: str
    mentions: NotRequired[list[Mention]]


class DeletedFrame(TypedDict):
    """A message was taken back."""

    type: Literal["deleted"]
    id: str
    seq: int


class PresenceFrame(TypedDict):
    """Someone came or went."""

    type: Literal["presence"]
    user: str
    name: str
    online: bool


class TypingFrame(TypedDict):
    """Someone is typing."""

    type: Literal["typing"]
    user: str
    name: str


class ReadFrame(TypedDict):
    """Someone has read up to `seq`."""

    type: Literal["read"]
    user: str
    seq: int


class MemberFrame(TypedDict):
    """A moderator changed somebody's role, or for how long they may not write."""

    type: Literal["member"]
    user: str
    role: str
    muted_until: str | None


class ErrorFrame(TypedDict):
    """A refusal; the socket stays open. `client_id` names the message that was refused, `until` ends a `muted`."""

    type: Literal["error"]
    code: str
    detail: str
    until: NotRequired[str]
    client_id: NotRequired[str]


Frame = (
    WelcomeFrame
    | AckFrame
    | MessageFrame
    | EditedFrame
    | DeletedFrame
    | PresenceFrame
    | TypingFrame
    | ReadFrame
    | MemberFrame
    | EventFrame
    | PongFrame
    | ErrorFrame
)

# A message on its way, as it is sent: `message`, `client_id`, `reply_to` (an id), `attachments` (ids).
Draft = dict[str, Any]
