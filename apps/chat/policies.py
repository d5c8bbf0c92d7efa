"""Who may do what in a room, as plain questions about ranks: one's role in the room, or one's role on the site.

The site's moderators and admins may moderate (not run) each room that they can see. Nobody moderates an equal or a
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
    SITE_MODERATOR = 3
    SITE_ADMIN = 4


_OF_ROLE = {Role.MEMBER: Rank.MEMBER, Role.MODERATOR: Rank.MODERATOR, Role.OWNER: Rank.OWNER}
_OF_SITE_ROLE = {"moderator": Rank.SITE_MODERATOR, "admin": Rank.SITE_ADMIN}


def rank_of(role: Role | str) -> Rank:
    """The rank of a role in the room."""
    return _OF_ROLE[Role(role)]


def site_rank_of(site_role: str) -> Rank | None:
    """The rank of a role on the site; None for one that gives no say in other people's rooms."""
    return _OF_SITE_ROLE.get(site_role)


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
