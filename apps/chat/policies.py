"""Permissions in rooms, by the role in the room or by a permission of the site.

A user with `chat.moderate` on the site may moderate, not manage, each room that they can see. A member moderates only
members of lower rank. For an actor with a role in the room, the target's role in the room counts.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from uuid import UUID

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet

from apps.chat.models import Invitation, Membership, Role, Room


class Rank(IntEnum):
    """The rank of a user in a room, lowest first."""

    MEMBER = 0
    MODERATOR = 1
    OWNER = 2
    SITE = 3


def may_see_room(*, is_private: bool, is_member: bool) -> bool:
    """Public rooms are visible to all users, private ones to members only: to others they do not exist."""
    return is_member or not is_private


def open_invitations(invitations: QuerySet[Invitation], *, now: datetime) -> QuerySet[Invitation]:
    """Not expired, and the inviter is active and may still add members."""
    may_invite = [role for role in Role if may_add_member(role, as_role=Role.MEMBER)]
    makers = Membership.objects.filter(
        room=OuterRef("room"), user=OuterRef("invited_by"), role__in=may_invite, user__is_active=True
    )
    return invitations.filter(Exists(makers), expires_at__gt=now)


def visible_rooms(rooms: QuerySet[Room], *, user_id: UUID) -> QuerySet[Room]:
    """The rooms for which `may_see_room` is true; the user's membership, if any, is aliased `mine`."""
    mine = FilteredRelation("memberships", condition=Q(memberships__user_id=user_id))
    return rooms.alias(mine=mine).filter(Q(is_private=False) | Q(mine__isnull=False))


def rank_of(role: Role | str) -> Rank:
    return Rank[Role(role).name]


def may_manage_room(role: Role) -> bool:
    """Whether a member may change or delete the room."""
    return role is Role.OWNER


def may_add_member(role: Role, *, as_role: Role) -> bool:
    """Whether a member may add or invite another. Only owners give a role above member."""
    return role is Role.OWNER or (role is Role.MODERATOR and as_role is Role.MEMBER)


def may_change_role(role: Role, *, current: Role, to: Role, is_own: bool) -> bool:
    """Owners change the roles of members below them; any member may lower their own."""
    if is_own:
        return rank_of(to) <= rank_of(role)
    return role is Role.OWNER and rank_of(current) < Rank.OWNER


def may_moderate(rank: Rank, *, target: Rank) -> bool:
    """Whether an actor may remove, ban or mute a user, or delete their messages."""
    return rank >= Rank.MODERATOR and rank > target
