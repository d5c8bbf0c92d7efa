"""Creating, changing and deleting rooms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Value

from apps.chat import policies, selectors
from apps.chat.events import FilesDiscarded, LanguageChanged, RoomDeleted
from apps.chat.exceptions import RoomNotFound, RoomRoleTooLow, SlugTaken, TooManyRooms
from apps.chat.models import Attachment, LanguageField, Membership, Message, Role, Room
from apps.chat.services import slugs
from apps.chat.types import AuditAction
from apps.common import audit, events, text
from infrastructure import realtime

_BATCH: Final = 1_000


def create_room(
    *,
    actor_id: UUID,
    name: str,
    slug: str | None = None,
    is_private: bool = False,
    language: str | None = None,
) -> Room:
    """Create a room that the actor owns. Without a slug, it is derived from the name.

    Raises TooManyRooms, and SlugTaken for a given slug.
    """
    name = text.clean_line(name)
    language = language or settings.CHAT_SEARCH_LANGUAGE
    for attempt in slugs.candidates(name) if slug is None else (slug,):
        try:
            with transaction.atomic():
                if not is_private:
                    require_quota([actor_id])
                room = Room.objects.create(slug=attempt, name=name, is_private=is_private, language=language)
                Membership.objects.create(room=room, user_id=actor_id, role=Role.OWNER)
                record(AuditAction.ROOM_CREATED, actor_id, room.pk)
        except IntegrityError:
            if not Room.objects.filter(slug=attempt).exists():
                raise
            continue
        return room
    raise SlugTaken


def edit_room(
    *,
    actor_id: UUID,
    slug: str,
    name: str | None = None,
    is_private: bool | None = None,
    language: str | None = None,
) -> Room:
    """Change the name, the visibility or the search language of a room.

    Raises RoomNotFound, NotAMember, RoomRoleTooLow, TooManyRooms.
    """
    with transaction.atomic():
        membership = lock_membership(actor_id, slug)
        if not policies.may_manage_room(Role(membership.role)):
            raise RoomRoleTooLow
        room = membership.room
        fields = ["updated_at"]
        if name is not None:
            room.name = text.clean_line(name)
            fields.append("name")
        if is_private is not None:
            if room.is_private and not is_private:
                owners = Membership.objects.filter(room=room, role=Role.OWNER)
                require_quota(owners.values_list("user_id", flat=True))
            room.is_private = is_private
            fields.append("is_private")
        has_new_language = language is not None and language != room.language
        if language is not None and has_new_language:
            room.language = language
            fields.append("language")
        room.save(update_fields=fields)
        if len(fields) > 1:
            record(AuditAction.ROOM_EDITED, actor_id, room.pk, fields=fields[1:])
        if has_new_language:
            events.publish(LanguageChanged(room_id=room.pk))
    return room


def push_event(*, slug: str, name: str, data: Mapping[str, Any] | None = None) -> None:
    """Send an event to the open sockets of a room. It is not stored. Raises RoomNotFound."""
    room = selectors.get_room(slug=slug)
    realtime.push_to_room(room.pk, {"type": "event", "name": name, "data": dict(data or {})})


def index_messages(*, room_id: UUID) -> int:
    """Index a room's messages in its current language, in batches. Idempotent. Returns the number of messages changed."""
    language = Room.objects.filter(pk=room_id).values_list("language", flat=True).first()
    count = 0
    while language is not None:
        stale = Message.objects.filter(room_id=room_id).order_by("seq")
        stale = stale.exclude(language=Value(language, output_field=LanguageField()))
        changed = Message.objects.filter(pk__in=list(stale.values_list("pk", flat=True)[:_BATCH])).update(
            language=language
        )
        count += changed
        if not changed:
            break
    return count


def delete_room(*, actor_id: UUID, slug: str) -> None:
    """Delete a room with its messages. Raises RoomNotFound, NotAMember, RoomRoleTooLow."""
    with transaction.atomic():
        membership = lock_membership(actor_id, slug)
        if not policies.may_manage_room(Role(membership.role)):
            raise RoomRoleTooLow
        force_delete_room(room_id=membership.room_id, actor_id=actor_id)


def lock(room_id: UUID) -> Room:
    """Lock a room against other changes of it and of its members, such as two owners leaving. Raises RoomNotFound."""
    room = Room.objects.select_for_update(no_key=True).filter(pk=room_id).first()
    if room is None:
        raise RoomNotFound
    return room


def require_quota(user_ids: Iterable[UUID]) -> None:
    """Require that each of these users may own one more public room. Raises TooManyRooms."""
    # In the order of ids, so that two transactions never wait for each other.
    for user_id in sorted(user_ids):
        lock_quota("rooms", user_id)
        owned = Membership.objects.filter(user_id=user_id, role=Role.OWNER, room__is_private=False)
        if owned.count() >= settings.CHAT_PUBLIC_ROOMS_PER_USER:
            raise TooManyRooms(f"A user may own at most {settings.CHAT_PUBLIC_ROOMS_PER_USER} public rooms.")


def lock_quota(name: str, user_id: UUID) -> None:
    """Lock a user's quota until the commit: what counts against it is counted by one transaction at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"chat.{name}:{user_id}"])


def lock_membership(user_id: UUID, slug: str) -> Membership:
    """Lock the room and read the membership. Raises RoomNotFound, NotAMember."""
    lock(selectors.get_membership(user_id=user_id, slug=slug).room_id)
    return selectors.get_membership(user_id=user_id, slug=slug)


def force_delete_room(*, room_id: UUID, actor_id: UUID | None) -> None:
    """Delete a room regardless of the actor's role in it; None is the system. Raises RoomNotFound."""
    with transaction.atomic():
        # No new references from now on: a message posted meanwhile would prevent the deletion.
        room = Room.objects.select_for_update().filter(pk=room_id).first()
        if room is None:
            raise RoomNotFound
        if Attachment.objects.filter(room_id=room_id).exists():
            events.publish(FilesDiscarded(room_id=room_id))
        room.delete()
        events.publish(RoomDeleted(room_id=room_id))
        record(AuditAction.ROOM_DELETED, actor_id, room_id, slug=room.slug)
        realtime.push_to_room(room_id, {"type": "room.deleted"})


def record(
    action: AuditAction, actor_id: UUID | None, room_id: UUID, *, user_id: UUID | None = None, **details: Any
) -> None:
    """Write to the audit log: about the room, or about a user in it."""
    target, target_id = ("room", room_id) if user_id is None else ("user", user_id)
    if user_id is not None:
        details = {"room": str(room_id), **details}
    audit.record(action=action, actor_id=actor_id, target=target, target_id=target_id, details=details)
