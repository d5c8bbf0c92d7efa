"""Rooms, and the role and rank of a user in them. Rooms that a user may not see are not found."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Case, Count, Exists, F, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Greatest

from apps.chat import policies
from apps.chat.exceptions import NotAMember, RoomNotFound, RoomRoleTooLow
from apps.chat.models import Membership, Message, Role, Room
from apps.chat.types import Permission
from apps.users import selectors as users


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A user in a room and their rank."""

    user_id: UUID
    room: Room
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
    """Lists public rooms and those of the user, by slug.

    They have `my_role`, `my_read_seq` and `my_muted_until` (None for others than members), and `unread`, the number of
    messages above the read mark that are not deleted.
    """
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
    """Returns one of `list_rooms`. Raises RoomNotFound."""
    room = list_rooms(user_id=user_id).filter(slug=slug).first()
    if room is None:
        raise RoomNotFound
    return room


def get_room(**lookup: str | UUID) -> Room:
    """Returns any room, by `slug` or `pk`, for the system. Raises RoomNotFound."""
    room = Room.objects.filter(**lookup).first()
    if room is None:
        raise RoomNotFound
    return room


def get_membership(*, user_id: UUID, slug: str) -> Membership:
    """Returns the user's membership with its room. Raises RoomNotFound, or NotAMember for a public room."""
    found = Membership.objects.select_related("room").filter(user_id=user_id, room__slug=slug).first()
    if found is None:
        if policies.visible_rooms(Room.objects.filter(slug=slug), user_id=user_id).exists():
            raise NotAMember
        raise RoomNotFound
    return found


def get_standing(*, user_id: UUID, slug: str) -> Standing:
    """Returns the rank of a user in a room, as a member or by a permission of the site. Raises RoomNotFound, NotAMember."""
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
    return Standing(user_id=user_id, room=room, rank=rank)


def get_moderator(*, user_id: UUID, slug: str) -> Standing:
    """`get_standing` of a user who may moderate. Raises RoomNotFound, NotAMember, RoomRoleTooLow."""
    standing = get_standing(user_id=user_id, slug=slug)
    if standing.rank < policies.Rank.MODERATOR:
        raise RoomRoleTooLow
    return standing


def get_rank_against(*, actor: Standing, user_id: UUID, role: Role | None) -> policies.Rank:
    """Returns the rank of a user whom the actor moderates; `role` is None for users who are not members."""
    by_room = policies.Rank.MEMBER if role is None else policies.rank_of(role)
    if actor.rank < policies.Rank.SITE:
        return by_room
    # A site moderator may moderate users of lower rank on the site, with any role in the room.
    is_below = users.get_rank(user_id=user_id) < users.get_rank(user_id=actor.user_id)
    return by_room if is_below else policies.Rank.SITE


def list_rooms_without_owner(*, among: Collection[UUID]) -> QuerySet[Room]:
    owners: Any = Membership.objects.filter(room=OuterRef("pk"), role=Role.OWNER)
    return Room.objects.filter(~Exists(owners), pk__in=among).order_by("pk")
