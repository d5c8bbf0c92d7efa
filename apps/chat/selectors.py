"""Reading rooms, members and messages. Nothing here writes; whoever may not see something does not find it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet

from apps.chat.exceptions import MessageNotFound, NotAMember, RoomNotFound
from apps.chat.models import Membership, Message, Role, Room
from apps.chat.types import Posted, Seat

SYSTEM_NAME = "System"
_SAID = (
    *("id", "room_id", "seq", "sender_id", "client_id", "text", "created_at", "edited_at", "deleted_at"),
    "sender__name",
)


def list_rooms(*, user_id: UUID) -> QuerySet[Room]:
    """Public rooms and those that the person is in, by slug; with `my_role` and `my_read_seq` (None outside)."""
    return (
        Room.objects.alias(mine=FilteredRelation("memberships", condition=Q(memberships__user_id=user_id)))
        .annotate(my_role=F("mine__role"), my_read_seq=F("mine__read_seq"))
        .filter(Q(is_private=False) | Q(mine__isnull=False))
        .order_by("slug", "id")
    )


def get_room_visible_to(*, user_id: UUID, slug: str) -> Room:
    """One of `list_rooms`. Raises RoomNotFound."""
    room = list_rooms(user_id=user_id).filter(slug=slug).first()
    if room is None:
        raise RoomNotFound
    return room


def get_room(*, slug: str) -> Room:
    """Any room, for the system itself. Raises RoomNotFound."""
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        raise RoomNotFound
    return room


def get_membership(*, user_id: UUID, slug: str) -> Membership:
    """The person's membership with its room. Raises RoomNotFound, or NotAMember for a public room."""
    found = Membership.objects.select_related("room").filter(user_id=user_id, room__slug=slug).first()
    if found is None:
        if Room.objects.filter(slug=slug, is_private=False).exists():
            raise NotAMember
        raise RoomNotFound
    return found


def list_members(*, room_id: UUID) -> QuerySet[Membership]:
    """Everyone in a room, by when they came, with their accounts."""
    members = Membership.objects.filter(room_id=room_id).select_related("user").order_by("id")
    return members.only("id", "room_id", "user_id", "role", "read_seq", "created_at", "user__name")


def list_messages(*, room_id: UUID) -> QuerySet[Message]:
    """A room's messages by number, with their senders."""
    # Of an account only its name: the rest is personal, and some of it would have to be decrypted.
    return Message.objects.filter(room_id=room_id).select_related("sender").order_by("seq").only(*_SAID)


def get_message(*, room_id: UUID, message_id: UUID) -> Message:
    """One message of a room with its sender. Raises MessageNotFound."""
    message = list_messages(room_id=room_id).filter(pk=message_id).first()
    if message is None:
        raise MessageNotFound
    return message


def posted(message: Message) -> Posted:
    """A message as the value that frames are made of. Its sender has to be loaded."""
    return Posted(
        id=message.pk,
        seq=message.seq,
        text=message.text,
        sender_id=message.sender_id,
        sender_name=SYSTEM_NAME if message.sender is None else message.sender.name,
        client_id=message.client_id,
        at=message.created_at,
        edited_at=message.edited_at,
        is_deleted=message.deleted_at is not None,
    )


def list_posted_after(*, room_id: UUID, after: int, limit: int) -> list[Posted]:
    """Up to `limit` messages that follow number `after`."""
    return [posted(message) for message in list_messages(room_id=room_id).filter(seq__gt=after)[:limit]]


def list_heads(*, room_ids: Collection[UUID]) -> dict[UUID, int]:
    """The newest number of each room that exists."""
    return dict(Room.objects.filter(pk__in=room_ids).values_list("pk", "head"))


def list_seats(*, wanted: Sequence[tuple[str, UUID]]) -> dict[tuple[str, UUID], Seat]:
    """For many (slug, user id) at once: the room as that person finds it. Unknown rooms are left out."""
    rooms = {
        slug: (room_id, is_private)
        for room_id, slug, is_private in Room.objects.filter(
            slug__in={slug for slug, _ in wanted}
        ).values_list("pk", "slug", "is_private")
    }
    pairs = [(rooms[slug][0], user_id) for slug, user_id in wanted if slug in rooms]
    members = list_existing_members(pairs=pairs)
    return {
        (slug, user_id): Seat(
            room_id=rooms[slug][0], is_private=rooms[slug][1], is_member=(rooms[slug][0], user_id) in members
        )
        for slug, user_id in wanted
        if slug in rooms
    }


def list_existing_members(*, pairs: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Which of these (room id, user id) are memberships, by one query however many there are."""
    asked = set(pairs)
    if not asked:
        return set()
    found = Membership.objects.filter(
        room_id__in={room_id for room_id, _ in asked}, user_id__in={user_id for _, user_id in asked}
    )
    # Both sets together can name more memberships than were asked for.
    return asked.intersection(found.values_list("room_id", "user_id"))


def is_last_owner(*, membership: Membership) -> bool:
    """Whether the room would be without an owner if this member went or became less."""
    others = Membership.objects.filter(room_id=membership.room_id, role=Role.OWNER).exclude(pk=membership.pk)
    return membership.role == Role.OWNER and not others.exists()


def list_rooms_without_owner(*, among: Collection[UUID]) -> QuerySet[Room]:
    """Which of these rooms nobody owns."""
    owners: Any = Membership.objects.filter(room=OuterRef("pk"), role=Role.OWNER)
    return Room.objects.filter(~Exists(owners), pk__in=among).order_by("pk")
