"""Rooms, and what someone is in them. Whoever may not see a room does not find it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Case, Count, Exists, F, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Greatest

from apps.chat import policies
from apps.chat.exceptions import (
    NotAMember,
    RoomNotFound,
    RoomRoleTooLow,
)
from apps.chat.models import Membership, Message, Role, Room
from apps.chat.types import Permission
from apps.users import selectors as users


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Someone in a room with the rank by which they act; `membership` None: one of the site's staff."""

    user_id: UUID
    room: Room
    membership: Membership | None
    rank: policies.Rank


_DELETED: Any = (
    Message.objects.filter(room=OuterRef("pk"), seq__gt=OuterRef("mine__read_seq"), deleted_at__isnull=False)
    .order_by()
    .values("room")
    .annotate(count=Count("*"))
    .values("count")
)
_UNREAD: Any = Case(
    When(mine__isnull=True, then=0),
    default=Greatest(F("head") - F("mine__read_seq") - Coalesce(Subquery(_DELETED), 0), 0),
    output_field=BigIntegerField(),
)


def list_rooms(*, user_id: UUID) -> QuerySet[Room]:
    """Public rooms and those that the person is in, by slug; with `my_role` and `my_read_seq` (None outside), and `unread`, the number of messages above the mark that are not deleted."""
    return (
        policies.visible_rooms(Room.objects.all(), user_id=user_id)
        .annotate(
            my_role=F("mine__role"),
            my_read_seq=F("mine__read_seq"),
            my_muted_until=F("mine__muted_until"),
            unread=_UNREAD,
        )
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


def get_room_by_id(*, room_id: UUID) -> Room:
    """Any room, for the system itself. Raises RoomNotFound."""
    room = Room.objects.filter(pk=room_id).first()
    if room is None:
        raise RoomNotFound
    return room


def get_membership(*, user_id: UUID, slug: str) -> Membership:
    """The person's membership with its room. Raises RoomNotFound, or NotAMember for a public room."""
    found = Membership.objects.select_related("room").filter(user_id=user_id, room__slug=slug).first()
    if found is None:
        if policies.visible_rooms(Room.objects.filter(slug=slug), user_id=user_id).exists():
            raise NotAMember
        raise RoomNotFound
    return found


def get_standing(*, user_id: UUID, slug: str) -> Standing:
    """What someone has to say in a room: as a member, or as one of the site's staff in a room that they can see.

    Raises RoomNotFound, NotAMember.
    """
    membership = Membership.objects.select_related("room").filter(user_id=user_id, room__slug=slug).first()
    room = Room.objects.filter(slug=slug).first() if membership is None else membership.room
    if room is None or not policies.may_see_room(
        is_private=room.is_private, is_member=membership is not None
    ):
        raise RoomNotFound
    by_room = None if membership is None else policies.rank_of(membership.role)
    rank = policies.Rank.SITE if users.get_user(user_id=user_id).may(Permission.MODERATE) else by_room
    if rank is None:
        raise NotAMember
    return Standing(user_id=user_id, room=room, membership=membership, rank=rank)


def get_moderator(*, user_id: UUID, slug: str) -> Standing:
    """`get_standing` of someone who may moderate. Raises RoomNotFound, NotAMember, RoomRoleTooLow."""
    standing = get_standing(user_id=user_id, slug=slug)
    if standing.rank < policies.Rank.MODERATOR:
        raise RoomRoleTooLow
    return standing


def get_rank_against(*, actor: Standing, user_id: UUID, role: Role | None) -> policies.Rank:
    """The rank that counts of someone (None: no member) whom the actor wants to moderate."""
    by_room = policies.Rank.MEMBER if role is None else policies.rank_of(role)
    if actor.rank < policies.Rank.SITE:
        return by_room
    # The site's staff answers to those above them on the site; its roles in a room protect nobody from it.
    is_below = users.get_rank(user_id=user_id) < users.get_rank(user_id=actor.user_id)
    return by_room if is_below else policies.Rank.SITE


def list_rooms_without_owner(*, among: Collection[UUID]) -> QuerySet[Room]:
    """Which of these rooms nobody owns."""
    owners: Any = Membership.objects.filter(room=OuterRef("pk"), role=Role.OWNER)
    return Room.objects.filter(~Exists(owners), pk__in=among).order_by("pk")
