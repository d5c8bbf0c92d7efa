"""`manage.py announce` validates its input and leaves posting to a worker."""

from __future__ import annotations

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.chat import tasks
from apps.chat.models import Message
from apps.chat.tests.factories import RoomFactory
from apps.common import events
from apps.common.models import OutboxEvent
from apps.common.testing.events import tasks_of

pytestmark = pytest.mark.django_db


def test_the_task_posts_once_when_it_runs_twice():
    room, client_id = RoomFactory(), str(uuid4())
    for _ in range(2):
        tasks.announce(slug=room.slug, text="We are back.", client_id=client_id)
    assert list(Message.objects.filter(room=room).values_list("seq", "sender_id", "text")) == [
        (1, None, "We are back.")
    ]


def test_the_command_publishes_the_event_of_the_task():
    room, said = RoomFactory(), StringIO()
    call_command("announce", room.slug, "  We are back. ", stdout=said)
    row = OutboxEvent.objects.get()
    event = events.decode(row.name, row.payload)
    assert tasks_of(event) == {
        "apps.chat.tasks.announce": {
            "slug": room.slug,
            "text": "We are back.",
            "client_id": row.payload["client_id"],
        }
    }
    assert said.getvalue() == f"A worker will post the message to {room.slug}.\n"


def test_unknown_room_and_empty_text_are_refused():
    room = RoomFactory()
    with pytest.raises(CommandError):
        call_command("announce", "nowhere", "hello")
    with pytest.raises(CommandError):
        call_command("announce", room.slug, "   ")
    assert not OutboxEvent.objects.exists()
