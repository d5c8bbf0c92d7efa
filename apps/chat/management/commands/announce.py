"""`manage.py announce lobby "We are back."`: a system message for a room, posted by a worker."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError, CommandParser
from kombu.exceptions import OperationalError

from apps.chat import selectors, services, tasks
from apps.chat.exceptions import InvalidMessage, RoomNotFound


class Command(BaseCommand):
    """Checks the room and the text at once, and leaves the posting to the queue."""

    help = "Post a system message into a room, through the task queue."

    def add_arguments(self, parser: CommandParser) -> None:
        """Room and text."""
        parser.add_argument("room", help="slug of the room")
        parser.add_argument("text", help="what to say")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for an unknown room, an empty text, or a broker that is away."""
        try:
            room = selectors.get_room(slug=options["room"])
            text = services.clean_text(options["text"])
        except (RoomNotFound, InvalidMessage) as error:
            raise CommandError(error.detail) from error
        try:
            tasks.announce.delay(slug=room.slug, text=text, client_id=str(uuid4()))
        except OperationalError as error:
            raise CommandError("The broker is away; nothing was announced. Is the stack running?") from error
        self.stdout.write(f"A worker will announce it in {room.slug}.")
