"""The number of public rooms that a user may own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apps.chat.models import Membership, Role, Room
from apps.chat.tests.callers import Caller, new_caller, refused
from apps.chat.tests.factories import MembershipFactory, RoomFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_rooms_at_most(settings: Any) -> None:
    settings.CHAT_PUBLIC_ROOMS_PER_USER = 2


def owner_of(*, public: int = 0, private: int = 0) -> Caller:
    ada = new_caller()
    for number in range(public + private):
        room = RoomFactory.create(is_private=number >= public)
        MembershipFactory.create(room=room, user=ada.user, role=Role.OWNER)
    return ada


def create(actor: Caller, **fields: Any) -> Any:
    return actor("POST", "rooms/", {"name": "Room", **fields})


def test_a_user_at_the_limit_cannot_create_a_public_room() -> None:
    ada = owner_of(public=1)
    assert create(ada).status_code == 201
    answer = create(ada)
    refused(answer, 409, "too_many_rooms")
    assert answer.json()["detail"] == "A user may own at most 2 public rooms."
    assert Room.objects.count() == 2


def test_private_rooms_and_memberships_do_not_count() -> None:
    ada = owner_of(private=3)
    for role in (Role.MEMBER, Role.MODERATOR):
        MembershipFactory.create(user=ada.user, role=role)
    assert [create(ada).status_code, create(ada).status_code] == [201, 201]
    assert create(ada, is_private=True).status_code == 201
    refused(create(ada), 409, "too_many_rooms")


def delete(actor: Caller, room: Room) -> Any:
    return actor("DELETE", f"rooms/{room.slug}/")


def hide(actor: Caller, room: Room) -> Any:
    return actor("PATCH", f"rooms/{room.slug}/", {"is_private": True})


def step_down(actor: Caller, room: Room) -> Any:
    MembershipFactory.create(room=room, role=Role.OWNER)
    return actor("PATCH", f"rooms/{room.slug}/members/{actor.id}/", {"role": "member"})


@pytest.mark.parametrize("give_up", [delete, hide, step_down])
def test_a_room_that_is_given_up_no_longer_counts(give_up: Callable[[Caller, Room], Any]) -> None:
    ada = owner_of(public=2)
    room = Room.objects.order_by("pk").first()
    assert room is not None
    assert give_up(ada, room).status_code in (200, 204)
    assert create(ada).status_code == 201


def test_publishing_a_private_room_counts_for_each_of_its_owners() -> None:
    ada, grace = owner_of(private=1), owner_of(public=2)
    room = Room.objects.get(is_private=True)
    MembershipFactory.create(room=room, user=grace.user, role=Role.OWNER)
    refused(ada("PATCH", f"rooms/{room.slug}/", {"is_private": False}), 409, "too_many_rooms")
    room.refresh_from_db()
    assert room.is_private
    refused(grace("PATCH", f"rooms/{room.slug}/", {"is_private": False}), 409, "too_many_rooms")
    assert hide(grace, Room.objects.filter(is_private=False).order_by("pk")[0]).status_code == 200
    assert ada("PATCH", f"rooms/{room.slug}/", {"is_private": False}).status_code == 200


def test_an_owner_at_the_limit_can_still_rename_a_public_room() -> None:
    ada = owner_of(public=2)
    room = Room.objects.order_by("pk")[0]
    answer = ada("PATCH", f"rooms/{room.slug}/", {"name": "Renamed", "is_private": False})
    assert (answer.status_code, answer.json()["name"]) == (200, "Renamed")


@pytest.mark.parametrize("is_member", [False, True])
def test_a_user_at_the_limit_cannot_be_made_owner_of_a_public_room(is_member: bool) -> None:
    ada, grace = owner_of(public=1, private=1), owner_of(public=2)
    for room in Room.objects.filter(memberships__user=ada.user):
        if is_member:
            MembershipFactory.create(room=room, user=grace.user)
        answer = ada("POST", f"rooms/{room.slug}/members/", {"user": grace.id, "role": "owner"})
        if room.is_private:
            assert answer.status_code == (200 if is_member else 201)
        else:
            refused(answer, 409, "too_many_rooms")
            role = Membership.objects.filter(room=room, user=grace.user).values_list("role", flat=True)
            assert list(role) == (["member"] if is_member else [])


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_do_not_exceed_the_limit() -> None:
    ada = owner_of(private=4)
    private = list(Room.objects.all())
    calls: list[Callable[[], Any]] = [lambda: create(ada) for _ in range(4)]
    calls += [
        lambda room=room: ada("PATCH", f"rooms/{room.slug}/", {"is_private": False})  # type: ignore[misc]
        for room in private
    ]
    barrier = threading.Barrier(len(calls))
    statuses = []

    def run(call: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            statuses.append(call().status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses)[2:] == [409] * 6
    assert Room.objects.filter(is_private=False).count() == 2
