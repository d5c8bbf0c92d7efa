"""The chat protocol's frames (`sarsen.chat.v1`) and the form in which messages travel between processes. No I/O.

Between processes a group of messages that were posted together is packed into one payload: a marker, the first number,
then each frame with its length before it. The frame is encoded once, in the process that posts.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from apps.chat.exceptions import Muted
from apps.chat.types import Posted, Quote
from apps.common.exceptions import DomainError, InvalidInput

PROTOCOL: Final = "sarsen.chat.v1"
MAX_FRAME: Final = 16 * 1024
MAX_ATTACHMENTS: Final = 10
_MAX_SEQ: Final = 2**63 - 1
_MARKER: Final = b"\x01"
_HEAD: Final = struct.Struct(">cQ")
_LENGTH: Final = struct.Struct(">I")


class InvalidFrame(InvalidInput):
    """Not a frame of this protocol."""

    code = "invalid_frame"
    detail = "A frame is one JSON object of this protocol."


@dataclass(frozen=True, slots=True)
class SendMessage:
    """`{"message": …, "client_id"?: …, "reply_to"?: …, "attachments"?: […]}`"""

    text: str
    client_id: UUID | None
    reply_to: UUID | None = None
    attachments: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """`{"type": "read", "seq": …}`"""

    seq: int


@dataclass(frozen=True, slots=True)
class Typing:
    """`{"type": "typing"}`"""


@dataclass(frozen=True, slots=True)
class Ping:
    """`{"type": "ping"}`"""


Frame = SendMessage | Read | Typing | Ping
_FIELDS: Final = {
    "message": {"type", "message", "client_id", "reply_to", "attachments"},
    "read": {"type", "seq"},
    "typing": {"type"},
    "ping": {"type"},
}


def parse(text: str) -> Frame:
    """What a client said. Raises InvalidFrame; `errors` is not used, the detail names the fault."""
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidFrame("A frame is one JSON object.") from error
    if type(frame) is not dict:
        raise InvalidFrame("A frame is one JSON object.")
    kind = frame.get("type", "message")
    fields = _FIELDS.get(kind) if type(kind) is str else None
    if fields is None:
        raise InvalidFrame("The type of a frame is message, read, typing or ping.")
    # What a client may not say (`from`, `room`, `seq` of a message) is refused, not passed over in silence.
    if not frame.keys() <= fields:
        raise InvalidFrame(f"A frame of type {kind} has no other members than {', '.join(sorted(fields))}.")
    if kind == "message":
        return _send_message(frame)
    if kind == "read":
        seq = frame.get("seq")
        if type(seq) is not int or not 0 <= seq <= _MAX_SEQ:
            raise InvalidFrame("seq is the number of a message.")
        return Read(seq)
    return Typing() if kind == "typing" else Ping()


def _send_message(frame: dict[str, Any]) -> SendMessage:
    text = frame.get("message")
    if type(text) is not str:
        raise InvalidFrame("message is a text.")
    client_id = client_id_in(frame) if "client_id" in frame else None
    if "reply_to" not in frame and "attachments" not in frame:
        return SendMessage(text, client_id)
    reply_to = frame.get("reply_to")
    attachments = frame.get("attachments", [])
    if type(attachments) is not list or len(attachments) > MAX_ATTACHMENTS:
        raise InvalidFrame(f"attachments is a list of {MAX_ATTACHMENTS} UUIDs at most.")
    return SendMessage(
        text,
        client_id,
        None if reply_to is None else _uuid(reply_to, "reply_to is a UUID."),
        tuple(_uuid(one, "attachments is a list of UUIDs.") for one in attachments),
    )


def client_id_in(frame: Mapping[str, Any]) -> UUID:
    """The `client_id` of a frame. Raises InvalidFrame unless it is a UUID in its usual spelling."""
    return _uuid(frame.get("client_id"), "client_id is a UUID.")


def _uuid(given: Any, fault: str) -> UUID:
    if type(given) is str and len(given) == 36:
        try:
            return UUID(given)
        except ValueError:
            pass
    raise InvalidFrame(fault)


def quoted_client_id(text: str) -> str | None:
    """The `client_id` that stands in a refused frame, so that its sender can tell which one it was."""
    try:
        return str(client_id_in(orjson.loads(text)))
    except (orjson.JSONDecodeError, AttributeError, InvalidFrame):
        return None


def encode(frame: Mapping[str, Any]) -> bytes:
    """One frame as UTF-8. Times are written in UTC with a Z."""
    return orjson.dumps(frame, option=orjson.OPT_UTC_Z)


def message(posted: Posted) -> dict[str, Any]:
    """The frame of one message; also what REST answers, but for `type`."""
    frame: dict[str, Any] = {
        "type": "message",
        "id": posted.id,
        "seq": posted.seq,
        "message": posted.text,
        "from": posted.sender_id,
        "from_name": posted.sender_name,
        "at": posted.at,
        "client_id": posted.client_id,
    }
    if posted.edited_at is not None:
        frame["edited_at"] = posted.edited_at
    if posted.is_deleted:
        frame["deleted"] = True
    # Most messages are plain text, and say nothing of what they have not.
    if posted.reply_to is not None:
        frame["reply_to"] = _quote(posted.reply_to)
    if posted.attachments:
        frame["attachments"] = posted.attachments  # a dataclass is an object of its fields
    if posted.mentions:
        frame["mentions"] = _mentions(posted)
    return frame


def _quote(quote: Quote) -> dict[str, Any]:
    return {
        "id": quote.id,
        "seq": quote.seq,
        "message": quote.text,
        "from": quote.sender_id,
        "from_name": quote.sender_name,
        "deleted": quote.is_deleted,
    }


def _mentions(posted: Posted) -> list[dict[str, str]]:
    return [{"user": str(one.user_id), "name": one.name} for one in posted.mentions]


def edited(posted: Posted) -> dict[str, Any]:
    """Tells sockets that a message says something else now."""
    return {
        "type": "edited",
        "id": str(posted.id),
        "seq": posted.seq,
        "message": posted.text,
        "edited_at": posted.edited_at,
        "mentions": _mentions(posted),
    }


def deleted(*, id_: UUID, seq: int) -> dict[str, Any]:
    """Tells sockets that a message was taken back."""
    return {"type": "deleted", "id": str(id_), "seq": seq}


def ack(posted: Posted) -> bytes:
    """The sender's receipt: it is stored, under this number."""
    return encode(
        {"type": "ack", "client_id": posted.client_id, "id": posted.id, "seq": posted.seq, "at": posted.at}
    )


def error(failure: DomainError, client_id: str | None = None) -> bytes:
    """A refusal. The socket stays open."""
    frame: dict[str, Any] = {"type": "error", "code": failure.code, "detail": failure.detail}
    if isinstance(failure, Muted):
        frame["until"] = failure.until
    if client_id is not None:
        frame["client_id"] = client_id
    return encode(frame)


PONG: Final = encode({"type": "pong"})


def pack(fresh: Sequence[Posted]) -> bytes:
    """Messages with consecutive numbers as one payload."""
    parts = [_HEAD.pack(_MARKER, fresh[0].seq)]
    for posted in fresh:
        frame = encode(message(posted))
        parts += [_LENGTH.pack(len(frame)), frame]
    return b"".join(parts)


def first_seq(payload: bytes) -> int | None:
    """The number of the first message of a packed payload; None when it is an event."""
    if not payload.startswith(_MARKER):
        return None
    seq: int = _HEAD.unpack_from(payload)[1]
    return seq


def unpack(payload: bytes) -> list[bytes]:
    """The frames of a packed payload."""
    frames = []
    position = _HEAD.size
    while position < len(payload):
        (length,) = _LENGTH.unpack_from(payload, position)
        position += _LENGTH.size
        frames.append(payload[position : position + length])
        position += length
    return frames
