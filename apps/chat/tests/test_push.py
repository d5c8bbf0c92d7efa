"""Pushes from services, tasks, commands, coroutines and the internal zone reach rooms and users."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from celery import shared_task
from django.core.management import BaseCommand, call_command
from django.db import transaction
from django.test import Client

from apps.api import services as api
from apps.chat.tests.conftest import Site
from apps.chat.tests.factories import RoomFactory, member_of
from apps.common.testing.users import access_token_for
from infrastructure import realtime


def push_from_service(user: Any, room: Any) -> None:
    with transaction.atomic():
        realtime.push_to_user(user.pk, {"type": "event", "name": "test.x", "data": {}})
        realtime.push_to_room(room.pk, {"type": "event", "name": "test.x", "data": {}})


@shared_task
def push_task(*, user_id: str, room_id: str) -> None:
    realtime.push_to_user(UUID(user_id), {"type": "event", "name": "test.x", "data": {}})
    realtime.push_to_room(UUID(room_id), {"type": "event", "name": "test.x", "data": {}})


def push_from_task(user: Any, room: Any) -> None:
    push_task.apply(kwargs={"user_id": str(user.pk), "room_id": str(room.pk)}, throw=True)


def push_from_command(user: Any, room: Any) -> None:
    class Push(BaseCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            push_from_service(user, room)

    call_command(Push())


def push_from_coroutine(user: Any, room: Any) -> None:
    async def push() -> None:
        realtime.push_to_user(user.pk, {"type": "event", "name": "test.x", "data": {}})
        realtime.push_to_room(room.pk, {"type": "event", "name": "test.x", "data": {}})
        # The loop of a test ends with it; that of a server does not.
        await asyncio.gather(*realtime._on_their_way)

    asyncio.run(push())


def push_from_internal_zone(user: Any, room: Any) -> None:
    headers = {"Authorization": f"Api-Key {api.create_key(name='x', scopes=['*']).plain}"}
    root = "/api/internal/v1"
    for path, body in (
        (f"{root}/notifications/events/", {"user": str(user.pk), "name": "test.x"}),
        (f"{root}/chat/rooms/{room.slug}/events/", {"name": "test.x"}),
    ):
        answer = Client().post(path, body, content_type="application/json", headers=headers)
        assert answer.status_code == 202, answer.content
        for wrong in ({"name": "message"}, {"data": {"x": "y" * 2001}}, {"data": [1]}):
            assert (
                Client().post(path, body | wrong, content_type="application/json", headers=headers)
            ).status_code == 400


@pytest.mark.parametrize(
    "push",
    [push_from_service, push_from_task, push_from_command, push_from_coroutine, push_from_internal_zone],
)
def test_pushes_from_anywhere_reach_rooms_and_users(site: Site, push: Any) -> None:
    room = RoomFactory.create()
    ada = member_of(room)
    headers = {"Authorization": f"Bearer {access_token_for(ada)}"}
    mine = site.connect("/ws/notifications/", additional_headers=headers)
    inside = site.inside(room.slug, ada)
    mine.next("welcome")
    push(ada, room)
    event = {"type": "event", "name": "test.x", "data": {}}
    assert mine.next("event", timeout=5) == event
    for _ in range(2):  # in the room, and as a user
        assert inside.next("event", timeout=5) == event
