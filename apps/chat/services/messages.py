"""Changing and taking back what was said. Posting is in `posting`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from apps.chat import policies, selectors, wire
from apps.chat.exceptions import MessageDeleted, RoomRoleTooLow
from apps.chat.models import Message, Role
from apps.chat.services.posting import clean_text
from apps.chat.types import Posted
from infrastructure import realtime

_log = structlog.get_logger(__name__)


def edit_message(
    *, actor_id: UUID, slug: str, message_id: UUID, text: str, now: datetime | None = None
) -> Posted:
    """Say it in other words; only one's own. Raises RoomNotFound, NotAMember, MessageNotFound, MessageDeleted,
    RoomRoleTooLow, InvalidMessage."""
    membership = selectors.get_membership(user_id=actor_id, slug=slug)
    cleaned = clean_text(text)
    with transaction.atomic():
        message = selectors.get_message(room_id=membership.room_id, message_id=message_id)
        if message.sender_id != actor_id:
            raise RoomRoleTooLow("Only its sender can change a message.")
        # Deleted meanwhile stays deleted: the condition is judged by the statement that writes.
        changed = Message.objects.filter(pk=message_id, deleted_at__isnull=True).update(
            text=cleaned, edited_at=now or timezone.now()
        )
        if not changed:
            raise MessageDeleted
        edited = selectors.posted(selectors.get_message(room_id=membership.room_id, message_id=message_id))
        room_id = membership.room_id
        transaction.on_commit(lambda: realtime.push_to_room(room_id, wire.edited(edited)))
    return edited


def delete_message(*, actor_id: UUID, slug: str, message_id: UUID, now: datetime | None = None) -> None:
    """Take a message back; done twice is done. Raises RoomNotFound, NotAMember, MessageNotFound, RoomRoleTooLow."""
    membership = selectors.get_membership(user_id=actor_id, slug=slug)
    with transaction.atomic():
        message = selectors.get_message(room_id=membership.room_id, message_id=message_id)
        is_own = message.sender_id == actor_id
        if not policies.may_delete_message(Role(membership.role), is_own=is_own):
            raise RoomRoleTooLow
        changed = Message.objects.filter(pk=message_id, deleted_at__isnull=True).update(
            text="", deleted_at=now or timezone.now()
        )
        if not changed:
            return
        room_id = membership.room_id
        transaction.on_commit(
            lambda: realtime.push_to_room(room_id, wire.deleted(id_=message_id, seq=message.seq))
        )
    if not is_own:
        _log.info("chat.message_moderated", room=str(room_id), message=str(message_id), actor=str(actor_id))
