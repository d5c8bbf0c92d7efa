"""Frames to the sockets of a room, as JSON objects: messages, and changes of messages and members.

Services publish them in the room's channel, and sockets send them unchanged. REST returns messages in the same form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from apps.chat.models import Membership
from apps.chat.types import Posted, Quote
from infrastructure.realtime import encode, packets


def message(posted: Posted) -> dict[str, Any]:
    """A message. Members without a value are left out."""
    event: dict[str, Any] = {
        "type": "message",
        "id": posted.id,
        "seq": posted.seq,
        "message": posted.text,
        "from": posted.sender_id,
        "from_name": posted.sender_name,
        "at": posted.at,
        "client_id": posted.client_id,
    }
    if posted.change is not None:
        event["change"] = posted.change
    if posted.edited_at is not None:
        event["edited_at"] = posted.edited_at
    if posted.is_deleted:
        event["deleted"] = True
    if posted.reply_to is not None:
        event["reply_to"] = _quote(posted.reply_to)
    if posted.attachments:
        event["attachments"] = posted.attachments  # a dataclass is encoded as an object of its fields
    if posted.mentions:
        event["mentions"] = _mentions(posted)
    return event


def packed(fresh: Sequence[Posted]) -> bytes:
    """Pack messages with consecutive numbers into one payload."""
    return packets.pack(fresh[0].seq, [encode(message(posted)) for posted in fresh])


def changed(posted: Posted) -> dict[str, Any]:
    """An edited or deleted message as it is now."""
    if posted.is_deleted:
        return deleted(id_=posted.id, seq=posted.seq, change=posted.change)
    return {
        "type": "edited",
        "id": str(posted.id),
        "seq": posted.seq,
        "change": posted.change,
        "message": posted.text,
        "edited_at": posted.edited_at,
        "mentions": _mentions(posted),
    }


def deleted(*, id_: UUID, seq: int, change: int | None) -> dict[str, Any]:
    return {"type": "deleted", "id": str(id_), "seq": seq, "change": change}


def member(membership: Membership) -> dict[str, Any]:
    """A member whose role or mute changed."""
    return {
        "type": "member",
        "user": str(membership.user_id),
        "role": membership.role,
        "muted_until": membership.muted_until,
    }


def read(*, user_id: UUID, seq: int) -> dict[str, Any]:
    return {"type": "read", "user": str(user_id), "seq": seq}


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
