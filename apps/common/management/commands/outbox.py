"""`manage.py outbox list|replay`: events whose work is not done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser

from apps.common.events import outbox
from apps.common.management.tables import table
from apps.common.models import OutboxEvent


class Command(BaseCommand):
    """Show pending and dead events, or make dead ones due again."""

    help = "Events whose work is not done: show them, or try dead ones again."

    def add_arguments(self, parser: CommandParser) -> None:
        """`list [--dead] [--limit N]`, `replay ID… | --all`."""
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser(
            "list", help="events that are pending, awaited (their tasks are published) or dead, oldest first"
        )
        listing.add_argument("--dead", action="store_true", help="only those that were given up")
        listing.add_argument("--limit", type=int, default=50)
        replay = actions.add_parser("replay", help="try dead events again")
        which = replay.add_mutually_exclusive_group(required=True)
        which.add_argument("ids", nargs="*", type=UUID, default=[])
        which.add_argument("--all", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the action."""
        if options["action"] == "replay":
            count = outbox.replay(event_ids=None if options["all"] else options["ids"])
            self.stdout.write(f"{count} events are due again.")
            return
        rows = OutboxEvent.objects.dead() if options["dead"] else OutboxEvent.objects.filter(done_at=None)
        shown = rows.order_by("created_at", "id")[: options["limit"]]
        head = ("id", "event", "state", "attempts", "due", "error")
        self.stdout.write(
            table(
                head,
                [
                    (
                        row.id,
                        row.name,
                        "dead" if row.dead_at else "awaited" if row.asked_at else "pending",
                        row.attempts,
                        row.due_at.isoformat(timespec="seconds"),
                        row.last_error.partition("\n")[0][:80],
                    )
                    for row in shown
                ],
            )
        )
