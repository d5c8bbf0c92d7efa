"""`manage.py announce lobby "We are back."` has a worker post a system message to a room."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.chat import services
from apps.chat.exceptions import InvalidMessage, RoomNotFound


class Command(BaseCommand):
    help = "Have a worker post a system message to a room."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("room", help="slug of the room")
        parser.add_argument("text", help="text of the message")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            services.request_announcement(slug=options["room"], text=options["text"])
        except (RoomNotFound, InvalidMessage) as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"A worker will post the message to {options['room']}.")
