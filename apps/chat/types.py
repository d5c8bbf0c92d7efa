"""Values that the modules of the slice exchange. Imports no model."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from django.db.models import TextChoices

from apps.common.exceptions import DomainError

UUID_PATTERN: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""The text form of UUIDs (RFC 9562, section 4); a `client_id` in it is returned as it was sent."""


class Permission(StrEnum):
    """Permissions of this slice that a role of the site may grant."""

    MODERATE = "chat.moderate"
    """Remove, ban and mute members and delete their messages, in every visible room."""


DEFAULT_GRANTS: Final = {"moderator": {Permission.MODERATE}}


class AuditAction(StrEnum):
    ROOM_CREATED = "chat.room_created"
    ROOM_EDITED = "chat.room_edited"
    ROOM_DELETED = "chat.room_deleted"
    MEMBER_ADDED = "chat.member_added"
    MEMBER_REMOVED = "chat.member_removed"
    MEMBER_MUTED = "chat.member_muted"
    MEMBER_UNMUTED = "chat.member_unmuted"
    MEMBER_BANNED = "chat.member_banned"
    MEMBER_UNBANNED = "chat.member_unbanned"
    ROLE_CHANGED = "chat.role_changed"
    MESSAGE_DELETED = "chat.message_deleted"
    INVITED = "chat.invited"
    INVITATION_WITHDRAWN = "chat.invitation_withdrawn"


class Language(TextChoices):
    """Language of stemming in search (PostgreSQL's text search configurations)."""

    SIMPLE = "simple", "None: words as they are"
    ARABIC = "arabic", "Arabic"
    DANISH = "danish", "Danish"
    DUTCH = "dutch", "Dutch"
    ENGLISH = "english", "English"
    FINNISH = "finnish", "Finnish"
    FRENCH = "french", "French"
    GERMAN = "german", "German"
    GREEK = "greek", "Greek"
    HUNGARIAN = "hungarian", "Hungarian"
    ITALIAN = "italian", "Italian"
    NORWEGIAN = "norwegian", "Norwegian"
    PORTUGUESE = "portuguese", "Portuguese"
    ROMANIAN = "romanian", "Romanian"
    RUSSIAN = "russian", "Russian"
    SPANISH = "spanish", "Spanish"
    SWEDISH = "swedish", "Swedish"
    TURKISH = "turkish", "Turkish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to post; without `sender_id` a message of the system. `sent_as` is the `client_id` as the client spells it."""

    sender_id: UUID | None
    text: str
    client_id: UUID = field(default_factory=uuid4)
    sent_as: str = ""
    reply_to: UUID | None = None
    attachments: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The beginning of the message that another one replies to, as it was when read."""

    id: UUID
    seq: int
    sender_id: UUID | None
    sender_name: str
    text: str
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A file of a message. `size` in bytes; `width` and `height` of images in pixels."""

    id: UUID
    name: str
    type: str
    size: int
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentioned:
    """A member mentioned in a text as `<@id>`."""

    user_id: UUID
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A stored message with all that acknowledgements, frames and answers contain."""

    id: UUID
    seq: int
    text: str
    sender_id: UUID | None
    sender_name: str
    client_id: UUID | str
    at: datetime
    edited_at: datetime | None = None
    is_deleted: bool = False
    reply_to: Quote | None = None
    attachments: tuple[Attached, ...] = ()
    mentions: tuple[Mentioned, ...] = ()
    change: int | None = None


class Head(NamedTuple):
    """The numbers of a room's newest message and newest change."""

    seq: int = 0
    change: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The result of one transaction: the outcome of each draft, in order, and the new messages."""

    outcomes: tuple[Posted | DomainError, ...]
    fresh: tuple[Posted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipLookup:
    """The room and membership that a handshake needs."""

    room_id: UUID
    is_private: bool
    is_member: bool
