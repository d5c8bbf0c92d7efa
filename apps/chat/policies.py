"""Who may see which room, and who may do what in it: by one's role in the room, or by a permission of the site.

Who holds `chat.moderate` on the site may moderate (not run) each room that they can see. Nobody moderates an equal or a
better; where somebody acts by their role in the room, it is the other's role in the room that counts.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from uuid import UUID

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet

from apps.chat.models import Invitation, Membership, Role, Room


class Rank(IntEnum):
    """Standing in a room, the least first."""

    MEMBER = 0
    MODERATOR = 1
    OWNER = 2
    SITE = 3


_OF_ROLE = {Role.MEMBER: Rank.MEMBER, Role.MODERATOR: Rank.MODERATOR, Role.OWNER: Rank.OWNER}


def may_see_room(*, is_private: bool, is_member: bool) -> bool:
    """A public room is there for everyone, a private one for its members: to others it does not exist."""
    return is_member or not is_private


def open_invitations(invitations: QuerySet[Invitation], *, now: datetime) -> QuerySet[Invitation]:
    """Those that still open their room: not expired, and their maker is active and may add members there now."""
    may_invite = [role for role in Role if may_add_member(role, as_role=Role.MEMBER)]
    makers = Membership.objects.filter(
        room=OuterRef("room"), user=OuterRef("invited_by"), role__in=may_invite, user__is_active=True
    )
    return invitations.filter(Exists(makers), expires_at__gt=now)


def visible_rooms(rooms: QuerySet[Room], *, user_id: UUID) -> QuerySet[Room]:
    """Those of the rooms of which `may_see_room` is true for someone; their membership, if any, is aliased `mine`."""
    mine = FilteredRelation("memberships", condition=Q(memberships__user_id=user_id))
    return rooms.alias(mine=mine).filter(Q(is_private=False) | Q(mine__isnull=False))


def rank_of(role: Role | str) -> Rank:
    """The rank of a role in the room."""
    return _OF_ROLE[Role(role)]


def may_edit_room(role: Role) -> bool:
    """Rename it, or change who can see it."""
    return role is Role.OWNER


def may_delete_room(role: Role) -> bool:
    """End the room for everyone."""
    return role is Role.OWNER


def may_add_member(role: Role, *, as_role: Role) -> bool:
    """Bring someone in, or invite them: only owners as more than a member."""
    return role is Role.OWNER or (role is Role.MODERATOR and as_role is Role.MEMBER)


def may_change_role(role: Role, *, current: Role, to: Role, is_own: bool) -> bool:
    """Give a member another role: owners to those below them, and everyone less to themselves."""
    if is_own:
        return rank_of(to) <= rank_of(role)
    return role is Role.OWNER and rank_of(current) < Rank.OWNER


def may_moderate(rank: Rank, *, target: Rank) -> bool:
    """Put someone out of the room, mute them, or delete what they said."""
    return rank >= Rank.MODERATOR and rank > target
