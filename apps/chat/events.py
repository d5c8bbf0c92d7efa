"""What happened in rooms. `handlers.py` says what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from apps.common.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageNoticed(Event):
    """A message names people, or replies to someone, who should hear of it."""

    name: ClassVar[str] = "chat.message_noticed"
    message_id: UUID
    room_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesDiscarded(Event):
    """Files of a room belong to no message any more."""

    name: ClassVar[str] = "chat.files_discarded"
    room_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomDeleted(Event):
    """A room was deleted with its messages."""

    name: ClassVar[str] = "chat.room_deleted"
    room_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageChanged(Event):
    """A room is searched by the rules of another language from now on."""

    name: ClassVar[str] = "chat.language_changed"
    room_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAdded(Event):
    """Someone was brought into a room by another."""

    name: ClassVar[str] = "chat.member_added"
    room_id: UUID
    user_id: UUID
    actor_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonInvited(Event):
    """Someone is asked into a room."""

    name: ClassVar[str] = "chat.person_invited"
    invitation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementRequested(Event):
    """The operator has something to say in a room."""

    name: ClassVar[str] = "chat.announcement_requested"
    slug: str
    text: str
    client_id: UUID
