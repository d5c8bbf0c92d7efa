"""The frames of `sarsen.chat.v1`, as docs/chat.md describes them. Times are ISO 8601 in UTC, ids are UUIDs as text."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


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


# `from` is a word of the language, so this one is not a class.
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
    },
)


class EditedFrame(TypedDict):
    """A message says something else now."""

    type: Literal["edited"]
    id: str
    seq: int
    message: str
    edited_at: str


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


class PongFrame(TypedDict):
    """The line is alive."""

    type: Literal["pong"]


class ErrorFrame(TypedDict):
    """A refusal; the socket stays open. `client_id` names the message that was refused."""

    type: Literal["error"]
    code: str
    detail: str
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
    | PongFrame
    | ErrorFrame
)

# A message on its way: `message`, `client_id`, and whatever else goes with it.
Draft = dict[str, Any]
