"""Demo data: two public rooms and a private one, with messages. Idempotent."""

from __future__ import annotations

from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from apps.chat import services
from apps.chat.models import Membership, Role, Room
from apps.chat.types import Draft
from apps.users import selectors as users

AFTER: Final = ("users",)
_EMAILS: Final = ("ada@example.com", "grace@example.com", "linus@example.com")

# Slug, name, private, members (the first one is the owner), messages (sender, text).
_ROOMS: Final[tuple[tuple[str, str, bool, tuple[str, ...], tuple[tuple[str, str], ...]], ...]] = (
    (
        "lobby",
        "Lobby",
        False,
        ("ada", "grace", "linus"),
        (
            (
                "ada",
                "Welcome! Open this page in a second window, sign in with another account, and chat with yourself.",
            ),
            ("grace", "Every message is stored and numbered before it is acknowledged."),
            ("linus", "And if the connection is lost, it continues where it was."),
        ),
    ),
    (
        "engineering",
        "Engineering",
        False,
        ("grace", "linus", "ada"),
        (
            ("grace", "Stop the server while you type. What you send meanwhile arrives once it is back."),
            ("linus", "I did. It did."),
        ),
    ),
    (
        "founders",
        "Founders",
        True,
        ("ada", "grace"),
        (("ada", "Only its members can see that this room exists."),),
    ),
)


def seed(summary: dict[str, Any]) -> None:
    """Create the rooms and messages of those demo accounts that exist."""
    ids = {user.email.partition("@")[0]: user.pk for user in users.list_users().filter(email__in=_EMAILS)}
    for slug, name, is_private, members, messages in _ROOMS:
        room, _ = Room.objects.get_or_create(slug=slug, defaults={"name": name, "is_private": is_private})
        for who in members:
            if who in ids:
                role = Role.OWNER if who == members[0] else Role.MEMBER
                Membership.objects.get_or_create(room=room, user_id=ids[who], defaults={"role": role})
        drafts = [
            # The same client id again is the same message.
            Draft(sender_id=ids[who], text=text, client_id=_client_id(slug, position))
            for position, (who, text) in enumerate(messages)
            if who in ids
        ]
        services.post_messages(room_id=room.pk, drafts=drafts)
    summary["urls"].append(["Chat", "/#/rooms/lobby"])


def _client_id(slug: str, position: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"demo:{slug}:{position}")
