"""Changing and taking back what was said. Writer is in `posting`."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.chat import policies, selectors
from apps.chat.events import FilesDiscarded, MessageNoticed
from apps.chat.exceptions import MessageDeleted, Muted, RoomRoleTooLow
from apps.chat.models import Attachment, Membership, Message, Role
from apps.chat.selectors import room_events
from apps.chat.services import message_parts, notifications
from apps.chat.services.posting import clean_text
from apps.chat.types import AuditAction, Posted
from apps.common import audit, events
from infrastructure import realtime

_BATCH: Final = 500


def edit_message(
    *, actor_id: UUID, slug: str, message_id: UUID, text: str, now: datetime | None = None
) -> Posted:
    """Say it in other words; only one's own. Raises RoomNotFound, NotAMember, MessageNotFound, MessageDeleted,
    RoomRoleTooLow, Muted, InvalidMessage."""
    now = now or timezone.now()
    membership = selectors.get_membership(user_id=actor_id, slug=slug)
    room_id = membership.room_id
    with transaction.atomic():
        message = selectors.get_message(room_id=room_id, message_id=message_id)
        if message.sender_id != actor_id:
            raise RoomRoleTooLow("Only its sender can change a message.")
        if membership.muted_until is not None and membership.muted_until > now:
            raise Muted(membership.muted_until)
        cleaned = clean_text(text, may_be_empty=bool(message.attachments))
        mentions = message_parts.mentions_in(room_id=room_id, text=cleaned)
        # Deleted meanwhile stays deleted: the condition is judged by the statement that writes.
        changed = Message.objects.filter(pk=message_id, deleted_at__isnull=True).update(
            text=cleaned, edited_at=now, mentions=[one.user_id for one in mentions] or None
        )
        if not changed:
            raise MessageDeleted
        if mentions:
            events.publish(MessageNoticed(message_id=message_id, room_id=room_id))
        edited = selectors.get_posted(room_id=room_id, message_id=message_id)
        notifications.follow_edit(posted=edited)
        realtime.push_to_room(room_id, room_events.edited(edited))
    return edited


def delete_message(*, actor_id: UUID, slug: str, message_id: UUID, now: datetime | None = None) -> None:
    """Take a message back; done twice is done. Raises RoomNotFound, NotAMember, MessageNotFound, RoomRoleTooLow."""
    now = now or timezone.now()
    actor = selectors.get_standing(user_id=actor_id, slug=slug)
    room_id = actor.room.pk
    with transaction.atomic():
        message = selectors.get_message(room_id=room_id, message_id=message_id)
        is_own = message.sender_id == actor_id
        if not is_own and not policies.may_moderate(actor.rank, target=_rank_of_sender(actor, message)):
            raise RoomRoleTooLow
        changed = Message.objects.filter(pk=message_id, deleted_at__isnull=True).update(
            text="", attachments=None, mentions=None, deleted_at=now
        )
        if not changed:
            return
        notifications.follow_deletion(message_ids=[message_id])
        if Attachment.objects.filter(message_id=message_id).update(discarded_at=now):
            events.publish(FilesDiscarded(room_id=room_id))
        if not is_own:
            audit.record(
                action=AuditAction.MESSAGE_DELETED,
                actor_id=actor_id,
                target="message",
                target_id=message_id,
                details={"room": str(room_id), "sender": str(message.sender_id)},
            )
        realtime.push_to_room(room_id, room_events.deleted(id_=message_id, seq=message.seq))


def delete_messages_of(*, user_id: UUID, now: datetime | None = None) -> int:
    """Delete all that a user posted or uploaded, some at a time. Returns the number of messages; idempotent."""
    now = now or timezone.now()
    mine = Message.objects.filter(sender_id=user_id, deleted_at__isnull=True).order_by("pk")
    count = 0
    while batch := list(mine.values_list("pk", "room_id", "seq")[:_BATCH]):
        ids = [id_ for id_, _, _ in batch]
        with transaction.atomic():
            count += Message.objects.filter(pk__in=ids).update(
                text="", attachments=None, mentions=None, deleted_at=now
            )
            notifications.follow_deletion(message_ids=ids)
            for id_, room_id, seq in batch:
                realtime.push_to_room(room_id, room_events.deleted(id_=id_, seq=seq))
    files = Attachment.objects.filter(uploader_id=user_id, discarded_at=None)
    with transaction.atomic():
        room_ids = set(files.filter(room__isnull=False).values_list("room_id", flat=True))
        files.update(discarded_at=now)
        for room_id in room_ids:
            events.publish(FilesDiscarded(room_id=room_id))
    return count


def _rank_of_sender(actor: selectors.Standing, message: Message) -> policies.Rank:
    if message.sender_id is None:  # the system has no rank to defend: moderators tidy up after it
        return policies.Rank.MEMBER
    role = (
        Membership.objects.filter(room_id=actor.room.pk, user_id=message.sender_id)
        .values_list("role", flat=True)
        .first()
    )
    return selectors.get_rank_against(
        actor=actor, user_id=message.sender_id, role=None if role is None else Role(role)
    )
