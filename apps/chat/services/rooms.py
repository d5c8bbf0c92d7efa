"""Making, changing and ending rooms."""

from __future__ import annotations

import unicodedata
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from apps.chat import policies, selectors
from apps.chat.exceptions import RoomRoleTooLow, SlugTaken
from apps.chat.models import Membership, Role, Room
from infrastructure import realtime

_log = structlog.get_logger(__name__)


def create_room(*, actor_id: UUID, slug: str, name: str, is_private: bool = False) -> Room:
    """A new room, owned by its maker. Raises SlugTaken."""
    try:
        with transaction.atomic():
            room = Room.objects.create(slug=slug, name=_clean(name), is_private=is_private)
            Membership.objects.create(room=room, user_id=actor_id, role=Role.OWNER)
    except IntegrityError as error:
        if Room.objects.filter(slug=slug).exists():
            raise SlugTaken from error
        raise
    _log.info("chat.room_created", room=str(room.pk), actor=str(actor_id))
    return room


def edit_room(*, actor_id: UUID, slug: str, name: str | None = None, is_private: bool | None = None) -> Room:
    """Rename a room or change who can see it. Raises RoomNotFound, NotAMember, RoomRoleTooLow."""
    membership = selectors.get_membership(user_id=actor_id, slug=slug)
    if not policies.may_edit_room(Role(membership.role)):
        raise RoomRoleTooLow
    room = membership.room
    fields = ["updated_at"]
    if name is not None:
        room.name = _clean(name)
        fields.append("name")
    if is_private is not None:
        room.is_private = is_private
        fields.append("is_private")
    room.save(update_fields=fields)
    _log.info("chat.room_edited", room=str(room.pk), actor=str(actor_id), fields=fields[1:])
    return room


def delete_room(*, actor_id: UUID, slug: str) -> None:
    """End a room with all that was said in it. Raises RoomNotFound, NotAMember, RoomRoleTooLow."""
    membership = selectors.get_membership(user_id=actor_id, slug=slug)
    if not policies.may_delete_room(Role(membership.role)):
        raise RoomRoleTooLow
    room_id = membership.room_id
    with transaction.atomic():
        membership.room.delete()
        transaction.on_commit(lambda: realtime.push_to_room(room_id, {"type": "room.deleted"}))
    _log.info("chat.room_deleted", room=str(room_id), actor=str(actor_id))


def _clean(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()
