"""Visibility of rooms: the predicate and the filter agree, and handshakes and REST use them."""

from __future__ import annotations

import pytest

from apps.chat import policies, selectors
from apps.chat.exceptions import NotAMember, RoomNotFound
from apps.chat.models import Room
from apps.chat.tests.factories import MembershipFactory, RoomFactory
from apps.common.testing.users import UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_private", [False, True])
@pytest.mark.parametrize("is_member", [False, True])
def test_may_see_room_and_visible_rooms_agree(is_private: bool, is_member: bool) -> None:
    user, room = UserFactory.create(), RoomFactory.create(is_private=is_private)
    MembershipFactory.create(room=room)  # another member
    if is_member:
        MembershipFactory.create(room=room, user=user)
    may = policies.may_see_room(is_private=is_private, is_member=is_member)
    assert list(policies.visible_rooms(Room.objects.all(), user_id=user.pk)) == [room] * may
    assert list(selectors.list_rooms(user_id=user.pk)) == [room] * may


def test_invisible_rooms_are_not_found() -> None:
    user, hidden, open_ = UserFactory.create(), RoomFactory.create(is_private=True), RoomFactory.create()
    for ask in (selectors.get_membership, selectors.get_standing, selectors.get_room_visible_to):
        with pytest.raises(RoomNotFound):
            ask(user_id=user.pk, slug=hidden.slug)
    for ask in (selectors.get_membership, selectors.get_standing):
        with pytest.raises(NotAMember):
            ask(user_id=user.pk, slug=open_.slug)
