"""Values that the parts of the slice hand to each other. Pure Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from apps.chat.exceptions import MessageRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message that someone wants to post. `sender_id` None: the system speaks."""

    sender_id: UUID | None
    text: str
    client_id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A message as it stands in the database: enough for an acknowledgement, a frame and an answer."""

    id: UUID
    seq: int
    text: str
    sender_id: UUID | None
    sender_name: str
    client_id: UUID
    at: datetime
    edited_at: datetime | None = None
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The outcome of one transaction: what became of each draft, in order, and what is new in the room."""

    outcomes: tuple[Posted | MessageRefused, ...]
    fresh: tuple[Posted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a socket learns about a room when it enters: the room, and whether the person is a member."""

    room_id: UUID
    is_private: bool
    is_member: bool
