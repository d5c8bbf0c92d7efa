"""`manage.py announce`: refuses at once what cannot be posted, and leaves the rest to a worker."""

from __future__ import annotations

from io import StringIO
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from kombu.exceptions import OperationalError

from apps.chat import tasks
from apps.chat.models import Message
from apps.chat.tests.factories import RoomFactory

pytestmark = pytest.mark.django_db


def test_task_posts_once_however_often_it_runs():
    room, client_id = RoomFactory(), str(uuid4())
    for _ in range(2):
        tasks.announce(slug=room.slug, text="We are back.", client_id=client_id)
    assert list(Message.objects.filter(room=room).values_list("seq", "sender_id", "text")) == [
        (1, None, "We are back.")
    ]


def test_command_hands_the_task_over():
    room, said = RoomFactory(), StringIO()
    with patch.object(tasks.announce, "delay") as delay:
        call_command("announce", room.slug, "  We are back. ", stdout=said)
    assert delay.call_args.kwargs["slug"] == room.slug
    assert delay.call_args.kwargs["text"] == "We are back."
    assert room.slug in said.getvalue()


def test_unknown_room_and_empty_text_are_refused():
    room = RoomFactory()
    with pytest.raises(CommandError):
        call_command("announce", "nowhere", "hello")
    with pytest.raises(CommandError):
        call_command("announce", room.slug, "   ")


def test_absent_broker_is_told():
    room = RoomFactory()
    with patch.object(tasks.announce, "delay", side_effect=OperationalError("refused")):
        with pytest.raises(CommandError, match="broker is away"):
            call_command("announce", room.slug, "hello")
