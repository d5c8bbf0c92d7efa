"""`manage.py outbox list|replay`: events whose work is not done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from apps.common.events import outbox
from apps.common.management.replay import ReplayCommand
from apps.common.models import OutboxEvent


class Command(ReplayCommand):
    help = "Events whose work is not done: list them, or replay dead ones."
    list_help = "events that are pending, awaited (their tasks are published) or dead, oldest first"
    replay_help = "make dead events due again"
    head = ("id", "event", "state", "attempts", "due", "error")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        self.list_parser.add_argument("--dead", action="store_true", help="only dead events")

    def rows(self, *, limit: int, **options: Any) -> Iterator[Sequence[object]]:
        events = OutboxEvent.objects.dead() if options["dead"] else OutboxEvent.objects.filter(done_at=None)
        for row in events.order_by("created_at", "id")[:limit]:
            state = "dead" if row.dead_at else "awaited" if row.asked_at else "pending"
            due_at, error = row.due_at.isoformat(timespec="seconds"), row.last_error.partition("\n")[0][:80]
            yield row.id, row.name, state, row.attempts, due_at, error

    def replay(self, ids: Sequence[UUID] | None) -> str:
        return f"{outbox.replay(event_ids=ids)} events are due again."
