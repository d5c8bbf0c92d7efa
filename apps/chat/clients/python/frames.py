"""The frames of `chat.v1` (apps/chat/docs/chat.md). Times are ISO 8601 in UTC, ids are UUIDs as text."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from apps.common.client_runtime.python.reconnecting_socket import EventFrame, PongFrame


class Present(TypedDict):
    """A member who is online in the room."""

    user: str
    name: str


class WelcomeFrame(TypedDict):
    """The first frame of a connection: the room's newest message and change, and the members who are online."""

    type: Literal["welcome"]
    room: str
    seq: int
    change: int
    online: list[Present]


class AckFrame(TypedDict):
    """The acknowledgement of your own message: it is stored, under this number."""

    type: Literal["ack"]
    client_id: str
    id: str
    seq: int
    at: str


class Attachment(TypedDict):
    """A file of a message. `type` is detected from the content; `size` is in bytes; images have a size in pixels."""

    id: str
    name: str
    type: str
    size: int
    width: int | None
    height: int | None


class Mention(TypedDict):
    """A member mentioned in a message as `<@user>`."""

    user: str
    name: str


# `from` is a Python keyword, so these are not classes. `Quote` is the message that another one replies to.
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
        "change": NotRequired[int],
        "edited_at": NotRequired[str],
        "deleted": NotRequired[bool],
        "reply_to": NotRequired[Quote],
        "attachments": NotRequired[list[Attachment]],
        "mentions": NotRequired[list[Mention]],
    },
)


class EditedFrame(TypedDict):
    """The text of a message changed, and with it the quotes of it. `change` numbers the changes of the room."""

    type: Literal["edited"]
    id: str
    seq: int
    change: int
    message: str
    edited_at: str
    mentions: NotRequired[list[Mention]]


class DeletedFrame(TypedDict):
    """A message was deleted, and with it the text in quotes of it."""

    type: Literal["deleted"]
    id: str
    seq: int
    change: int


class PresenceFrame(TypedDict):
    """A member came online or went offline."""

    type: Literal["presence"]
    user: str
    name: str
    online: bool


class TypingFrame(TypedDict):
    """A member is typing."""

    type: Literal["typing"]
    user: str
    name: str


class ReadFrame(TypedDict):
    """A member has read everything up to `seq`."""

    type: Literal["read"]
    user: str
    seq: int


class MemberFrame(TypedDict):
    """A moderator changed the role of a member, or muted them."""

    type: Literal["member"]
    user: str
    role: str
    muted_until: str | None


class ErrorFrame(TypedDict):
    """A refusal; the socket stays open. `client_id` is that of the refused message, `until` the end of a mute."""

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

# A message that is not acknowledged, as it is sent: `message`, `client_id`, `reply_to` (an id), `attachments` (ids).
Draft = dict[str, Any]
