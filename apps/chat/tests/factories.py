"""Rooms and members for tests. Messages are posted through the service."""

from __future__ import annotations

from typing import Any

import factory

from apps.chat.models import Membership, Role, Room
from apps.users.tests.factories import UserFactory


class RoomFactory(factory.django.DjangoModelFactory[Room]):  # type: ignore[misc,name-defined]
    """A public room without members."""

    class Meta:
        model = Room

    slug = factory.Sequence(lambda n: f"room-{n}")
    name = factory.Faker("city")


class MembershipFactory(factory.django.DjangoModelFactory[Membership]):  # type: ignore[misc,name-defined]
    """A member of a new room."""

    class Meta:
        model = Membership

    room = factory.SubFactory(RoomFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.MEMBER


def member_of(room: Room, role: Role = Role.MEMBER, **user: Any) -> Any:
    """A new account that is in `room`."""
    membership = MembershipFactory(room=room, role=role, user=UserFactory(**user))
    return membership.user
