"""Callers of the routes of rooms and messages."""

from __future__ import annotations

from typing import Any

from apps.chat import services
from apps.chat.models import Role, Room
from apps.chat.tests import callers
from apps.chat.tests.factories import member_of
from apps.chat.types import Draft
from apps.common.testing.users import UserFactory


class Caller(callers.Caller):
    below = "chat/rooms/"


def new_caller(room: Room | None = None, role: Role = Role.MEMBER, **user: Any) -> Caller:
    return Caller(UserFactory.create(**user) if room is None else member_of(room, role, **user))


def post(room: Room, caller: Caller, *texts: str) -> None:
    services.post_messages(
        room_id=room.pk, drafts=[Draft(sender_id=caller.user.pk, text=text) for text in texts]
    )
