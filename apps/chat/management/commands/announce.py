"""`manage.py announce lobby "We are back."`: a system message for a room, posted by a worker."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.chat import services
from apps.chat.exceptions import InvalidMessage, RoomNotFound


class Command(BaseCommand):
    """Checks the room and the text at once, and leaves the posting to a worker."""

    help = "Have a worker post a system message into a room."

    def add_arguments(self, parser: CommandParser) -> None:
        """Room and text."""
        parser.add_argument("room", help="slug of the room")
        parser.add_argument("text", help="what to say")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for an unknown room or an empty text."""
        try:
            services.request_announcement(slug=options["room"], text=options["text"])
        except (RoomNotFound, InvalidMessage) as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"A worker will announce it in {options['room']}.")
