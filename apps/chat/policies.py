"""Who may do what in a room, as plain questions about ranks: one's role in the room, or a permission of the site.

Who holds `chat.moderate` on the site may moderate (not run) each room that they can see. Nobody moderates an equal or a
better; where somebody acts by their role in the room, it is the other's role in the room that counts.
"""

from __future__ import annotations

from enum import IntEnum

from apps.chat.models import Role


class Rank(IntEnum):
    """Standing in a room, the least first."""

    MEMBER = 0
    MODERATOR = 1
    OWNER = 2
    SITE = 3


_OF_ROLE = {Role.MEMBER: Rank.MEMBER, Role.MODERATOR: Rank.MODERATOR, Role.OWNER: Rank.OWNER}


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
