"""Events in rooms. `handlers.py` has their consequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from apps.common.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageNoticed(Event):
    """A message mentions members or is a reply, of which they are notified."""

    name: ClassVar[str] = "chat.message_noticed"
    message_id: UUID
    room_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesDiscarded(Event):
    """Files of a room no longer belong to a message."""

    name: ClassVar[str] = "chat.files_discarded"
    room_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomDeleted(Event):
    name: ClassVar[str] = "chat.room_deleted"
    room_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageChanged(Event):
    """The search language of a room was changed."""

    name: ClassVar[str] = "chat.language_changed"
    room_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAdded(Event):
    """A member was added by another."""

    name: ClassVar[str] = "chat.member_added"
    room_id: UUID
    user_id: UUID
    actor_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonInvited(Event):
    name: ClassVar[str] = "chat.person_invited"
    invitation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementRequested(Event):
    """A system message is to be posted."""

    name: ClassVar[str] = "chat.announcement_requested"
    slug: str
    text: str
    client_id: UUID
