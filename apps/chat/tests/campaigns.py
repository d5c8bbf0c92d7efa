"""Rooms and messages for the campaigns over the whole API."""

from __future__ import annotations

from collections.abc import Iterable

from apps.chat import services
from apps.chat.models import Membership, Role, Room
from apps.chat.tests.chaos import Talk
from apps.common.tests.chaos import Site
from apps.users.models import User


def path_parameters(owner: User, other: User) -> dict[str, str]:
    """A room of both users, and a message in it."""
    room = Room.objects.create(slug=f"hostile-{owner.pk.hex[-12:]}", name="Hostile")
    Membership.objects.create(room=room, user=owner, role=Role.OWNER)
    Membership.objects.create(room=room, user=other)
    message, _ = services.post_message(actor_id=owner.pk, slug=room.slug, text="Said before", client_id=None)
    return {"slug": room.slug, "message_id": str(message.id)}


def prepare(users: Iterable[User]) -> None:
    """Add the users to the lobby of the demo data."""
    lobby = Room.objects.get(slug="lobby")
    Membership.objects.bulk_create(Membership(room=lobby, user=user) for user in users)


def socket_path(user: User) -> str:
    room = Room.objects.create(slug=f"socket-{user.pk.hex[-12:]}", name="Socket")
    Membership.objects.create(room=room, user=user, role=Role.OWNER)
    return f"/ws/chat/{room.slug}/"


def chaos(site: Site) -> Talk:
    """Traffic of one room for `make chaos`."""
    return Talk(site)
