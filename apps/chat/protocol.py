"""The chat protocol, `chat.v1`: frames from clients and the answers to them. No I/O.

Frames to a whole room are in `selectors/room_events.py`, since REST and services send them, too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from apps.chat.exceptions import Muted
from apps.chat.models import MAX_ATTACHMENTS, MAX_TEXT
from apps.chat.types import UUID_PATTERN, Draft, Posted
from apps.common.exceptions import DomainError, InvalidInput
from infrastructure import realtime

PROTOCOL: Final = "chat.v1"
# The longest message in any spelling of its JSON: twelve bytes a character (`\ud83d\ude00`), and all other members.
MAX_FRAME: Final = 12 * MAX_TEXT + 4_096
_MAX_SEQ: Final = 2**63 - 1
_MAX_CLIENT_ID: Final = 64
_CLIENT_ID: Final = re.compile(r'(?<!\\)"client_id"\s*:\s*("(?:[^"\\]|\\.)*")')


class InvalidFrame(InvalidInput):
    code = "invalid_frame"
    detail = "A frame is one JSON object of this protocol."


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


Frame = Draft | Read | Typing | Ping
"""A draft is `{"message": …, "client_id"?: …, "reply_to"?: …, "attachments"?: […]}`."""
_FIELDS: Final = {
    "message": {"type", "message", "client_id", "reply_to", "attachments"},
    "read": {"type", "seq"},
    "typing": {"type"},
    "ping": {"type"},
}


def parse(text: str, *, sender_id: UUID) -> Frame:
    """Parse a client's frame. Raises InvalidFrame, whose detail names the fault."""
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if type(_lenient(text)) is dict:
            raise InvalidFrame("A frame cannot hold half of a surrogate pair.") from error
        raise InvalidFrame("A frame is one JSON object.") from error
    if type(frame) is not dict:
        raise InvalidFrame("A frame is one JSON object.")
    kind = frame.get("type", "message")
    fields = _FIELDS.get(kind) if type(kind) is str else None
    if fields is None:
        raise InvalidFrame("The type of a frame is message, read, typing or ping.")
    # Members that a client may not set (`from`, `room`, `seq` of a message) are refused, not ignored.
    if not frame.keys() <= fields:
        raise InvalidFrame(f"A frame of type {kind} has no other members than {', '.join(sorted(fields))}.")
    if kind == "message":
        return _draft(frame, sender_id)
    if kind == "read":
        seq = frame.get("seq")
        if type(seq) is not int or not 0 <= seq <= _MAX_SEQ:
            raise InvalidFrame("seq is the number of a message.")
        return Read(seq)
    return Typing() if kind == "typing" else Ping()


def _draft(frame: dict[str, Any], sender_id: UUID) -> Draft:
    text = frame.get("message")
    if type(text) is not str:
        raise InvalidFrame("message is a text.")
    named: dict[str, Any] = {}
    if "client_id" in frame:
        named = {
            "client_id": _uuid(frame["client_id"], "client_id is a UUID."),
            "sent_as": frame["client_id"],
        }
    if frame.get("reply_to") is not None:
        named["reply_to"] = _uuid(frame["reply_to"], "reply_to is a UUID.")
    attachments = frame.get("attachments", [])
    if type(attachments) is not list or len(attachments) > MAX_ATTACHMENTS:
        raise InvalidFrame(f"attachments is a list of {MAX_ATTACHMENTS} UUIDs at most.")
    if attachments:
        named["attachments"] = tuple(_uuid(one, "attachments is a list of UUIDs.") for one in attachments)
    return Draft(sender_id=sender_id, text=text, **named)


def _uuid(given: Any, fault: str) -> UUID:
    if type(given) is str and UUID_PATTERN.fullmatch(given):
        return UUID(given)
    raise InvalidFrame(fault)


def client_id_of(text: str) -> str | None:
    """Returns the `client_id` of a refused frame, so that its sender can identify it.

    It is found even in a frame that is not valid JSON, or whose `client_id` is not a UUID.
    """
    frame = _lenient(text)
    found = frame.get("client_id") if type(frame) is dict else None
    if frame is None:
        quoted = _CLIENT_ID.findall(text)
        found = _lenient(quoted[-1]) if quoted else None
    if type(found) is not str or not 0 < len(found) <= _MAX_CLIENT_ID or not _is_text(found):
        return None
    return found


def _lenient(text: str) -> Any:
    """Parse JSON whose strings may hold half of a surrogate pair. Returns None for anything else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def ack(posted: Posted, client_id: str = "") -> bytes:
    """The acknowledgement of a stored message, with `client_id` as it was sent."""
    return realtime.encode(
        {
            "type": "ack",
            "client_id": client_id or posted.client_id,
            "id": posted.id,
            "seq": posted.seq,
            "at": posted.at,
        }
    )


def error(failure: DomainError, client_id: UUID | str | None = None) -> bytes:
    """An error frame. The socket stays open."""
    frame: dict[str, Any] = {"type": "error", "code": failure.code, "detail": failure.detail}
    if isinstance(failure, Muted):
        frame["until"] = failure.until
    if client_id is not None:
        frame["client_id"] = client_id
    return realtime.encode(frame)


PONG: Final = realtime.encode({"type": "pong"})
