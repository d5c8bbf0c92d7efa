"""`manage.py deadtasks list|replay`: background tasks that failed for good."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser

from apps.common.management.tables import table
from apps.common.models import DeadTask
from apps.common.tasks import celery_task


class Command(BaseCommand):
    """Show tasks that failed for good, or run them again."""

    help = "Background tasks that failed for good: show them, or run them again."

    def add_arguments(self, parser: CommandParser) -> None:
        """`list [--limit N]`, `replay ID… | --all`."""
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="failed tasks that were not replayed, newest first")
        listing.add_argument("--limit", type=int, default=50)
        replay = actions.add_parser("replay", help="run failed tasks again")
        which = replay.add_mutually_exclusive_group(required=True)
        which.add_argument("ids", nargs="*", type=UUID, default=[])
        which.add_argument("--all", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the action."""
        if options["action"] == "replay":
            count = celery_task.replay(task_ids=None if options["all"] else options["ids"])
            self.stdout.write(f"{count} tasks will run again.")
            return
        rows = DeadTask.objects.filter(replayed_at=None).order_by("-failed_at", "id")[: options["limit"]]
        head = ("id", "task", "failed", "arguments", "error")
        self.stdout.write(
            table(
                head,
                [
                    (
                        row.id,
                        row.name or "(no task)",
                        row.failed_at.isoformat(timespec="seconds"),
                        row.kwargs or row.args,
                        row.error.partition("\n")[0][:80],
                    )
                    for row in rows
                ],
            )
        )
