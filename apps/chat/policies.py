"""Who may do what in a room, as plain questions about roles."""

from __future__ import annotations

from apps.chat.models import Role

_RANK = {Role.MEMBER: 0, Role.MODERATOR: 1, Role.OWNER: 2}


def may_edit_room(role: Role) -> bool:
    """Rename it, or change who can see it."""
    return role is Role.OWNER


def may_delete_room(role: Role) -> bool:
    """End the room for everyone."""
    return role is Role.OWNER


def may_add_member(role: Role, *, as_role: Role) -> bool:
    """Bring someone in, or change their role: never above one's own, and only owners make more than members."""
    return role is Role.OWNER or (role is Role.MODERATOR and as_role is Role.MEMBER)


def may_change_member(role: Role, *, current: Role, to: Role) -> bool:
    """Change the role of someone who is in."""
    return role is Role.OWNER or current is to


def may_remove_member(role: Role, *, target: Role) -> bool:
    """Put someone out. Owners may put out anyone, moderators members."""
    return role is Role.OWNER or _RANK[role] > _RANK[target]


def may_delete_message(role: Role, *, is_own: bool) -> bool:
    """Take a message back: one's own, or as a moderator or owner anyone's."""
    return is_own or _RANK[role] >= _RANK[Role.MODERATOR]
