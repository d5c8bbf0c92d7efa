"""Rooms and members for tests. Messages are posted through the service."""

from __future__ import annotations

from typing import Any

import factory
from factory import declarations

from apps.chat.models import Membership, Role, Room
from apps.common.testing.users import UserFactory
from apps.users.models import User


class RoomFactory(factory.django.DjangoModelFactory[Room]):
    """A public room without members."""

    class Meta:
        model = Room

    slug = declarations.Sequence(lambda n: f"room-{n}")
    name = declarations.Sequence(lambda n: f"Room {n}")


class MembershipFactory(factory.django.DjangoModelFactory[Membership]):
    """A member of a new room."""

    class Meta:
        model = Membership

    room = declarations.SubFactory(RoomFactory)
    user = declarations.SubFactory(UserFactory)
    role = Role.MEMBER


def member_of(room: Room, role: Role = Role.MEMBER, /, **user: Any) -> User:
    """A new user who is a member of `room`."""
    return MembershipFactory.create(room=room, role=role, user=UserFactory.create(**user)).user
