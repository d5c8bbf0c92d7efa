"""Editing and deleting messages. Posting is in `posting`.

Every change takes the next change number of its room, whose row is locked until the commit. So the order of commits is the
order of changes: a reader that has seen a number has seen everything below it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.chat import policies, selectors
from apps.chat.events import FilesDiscarded, MessageNoticed
from apps.chat.exceptions import MessageDeleted, Muted, RoomNotFound, RoomRoleTooLow
from apps.chat.models import Attachment, Membership, Message, Role
from apps.chat.selectors import room_events
from apps.chat.services import message_parts, notifications
from apps.chat.services.posting import clean_text
from apps.chat.types import AuditAction, Posted
from apps.common import audit, events
from infrastructure import realtime

_BATCH: Final = 500
_NUMBER = "UPDATE chat_room SET changes = changes + %s WHERE id = %s RETURNING changes, head"
_DELETE = """
UPDATE chat_message message
SET text = '', attachments = NULL, mentions = NULL, deleted_at = %s, change = %s + given.position, changed_at_head = %s
FROM unnest(%s::uuid[]) WITH ORDINALITY AS given (id, position)
WHERE message.id = given.id AND message.deleted_at IS NULL
"""


def edit_message(
    *, actor_id: UUID, slug: str, message_id: UUID, text: str, now: datetime | None = None
) -> Posted:
    """Change the text of the actor's own message.

    Raises RoomNotFound, NotAMember, MessageNotFound, MessageDeleted, RoomRoleTooLow, Muted, InvalidMessage.
    """
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
        change, head = _take_numbers(room_id)
        # A message deleted meanwhile is not changed: the statement checks it.
        changed = Message.objects.filter(pk=message_id, deleted_at__isnull=True).update(
            text=cleaned,
            edited_at=now,
            mentions=[one.user_id for one in mentions] or None,
            change=change,
            changed_at_head=head,
        )
        if not changed:
            raise MessageDeleted
        if mentions:
            events.publish(MessageNoticed(message_id=message_id, room_id=room_id))
        edited = selectors.get_posted(room_id=room_id, message_id=message_id)
        notifications.follow_edit(posted=edited)
        realtime.push_to_room(room_id, room_events.changed(edited))
    return edited


def delete_message(*, actor_id: UUID, slug: str, message_id: UUID, now: datetime | None = None) -> None:
    """Delete a message. Idempotent. Raises RoomNotFound, NotAMember, MessageNotFound, RoomRoleTooLow."""
    now = now or timezone.now()
    actor = selectors.get_standing(user_id=actor_id, slug=slug)
    room_id = actor.room.pk
    # Deleted by another meanwhile: the rollback returns the change number.
    with suppress(MessageDeleted), transaction.atomic():
        message = selectors.get_message(room_id=room_id, message_id=message_id)
        is_own = message.sender_id == actor_id
        if not is_own and not policies.may_moderate(actor.rank, target=_rank_of_sender(actor, message)):
            raise RoomRoleTooLow
        if message.deleted_at is not None:
            return
        change = _delete(room_id, [message_id], now)
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
        realtime.push_to_room(room_id, room_events.deleted(id_=message_id, seq=message.seq, change=change))


def delete_messages_of(*, user_id: UUID, now: datetime | None = None) -> int:
    """Delete all messages and uploads of a user, in batches. Idempotent. Returns the number of messages."""
    now = now or timezone.now()
    mine = Message.objects.filter(sender_id=user_id, deleted_at__isnull=True).order_by("pk")
    count = 0
    while batch := list(mine.values_list("pk", "room_id", "seq")[:_BATCH]):
        by_room: defaultdict[UUID, list[tuple[int, UUID]]] = defaultdict(list)
        for id_, room_id, seq in sorted(batch, key=lambda row: row[2]):
            by_room[room_id].append((seq, id_))
        for room_id, some in by_room.items():
            # The room or the messages were deleted meanwhile.
            with suppress(RoomNotFound, MessageDeleted), transaction.atomic():
                change = _delete(room_id, [id_ for _, id_ in some], now)
                count += len(some)
                # One event for the last change: live rooms read the others from the database.
                seq, id_ = some[-1]
                realtime.push_to_room(room_id, room_events.deleted(id_=id_, seq=seq, change=change))
    files = Attachment.objects.filter(uploader_id=user_id, discarded_at=None)
    with transaction.atomic():
        room_ids = set(files.filter(room__isnull=False).values_list("room_id", flat=True))
        files.update(discarded_at=now)
        for room_id in room_ids:
            events.publish(FilesDiscarded(room_id=room_id))
    return count


def _take_numbers(room_id: UUID, count: int = 1) -> tuple[int, int]:
    """Lock a room and take its next change numbers. Returns the last one and the room's head. Raises RoomNotFound."""
    with connection.cursor() as cursor:
        cursor.execute(_NUMBER, [count, room_id])
        row: tuple[int, int] | None = cursor.fetchone()
    if row is None:
        raise RoomNotFound
    return row


def _delete(room_id: UUID, message_ids: Sequence[UUID], now: datetime) -> int:
    """Delete messages of a room and their notifications. Returns the number of the last change.

    Raises RoomNotFound, and MessageDeleted if one of them is already deleted.
    """
    last, head = _take_numbers(room_id, len(message_ids))
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, [now, last - len(message_ids), head, list(message_ids)])
        if cursor.rowcount < len(message_ids):
            raise MessageDeleted
    notifications.follow_deletion(message_ids=message_ids)
    return last


def _rank_of_sender(actor: selectors.Standing, message: Message) -> policies.Rank:
    if message.sender_id is None:  # moderators may delete system messages
        return policies.Rank.MEMBER
    role = (
        Membership.objects.filter(room_id=actor.room.pk, user_id=message.sender_id)
        .values_list("role", flat=True)
        .first()
    )
    return selectors.get_rank_against(
        actor=actor, user_id=message.sender_id, role=None if role is None else Role(role)
    )
