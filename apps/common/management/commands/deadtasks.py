"""`manage.py deadtasks list|replay`: tasks that failed permanently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from apps.common.management.replay import ReplayCommand
from apps.common.models import DeadTask
from apps.common.tasks import celery_task


class Command(ReplayCommand):
    help = "Tasks that failed permanently: list or replay them."
    list_help = "dead tasks that were not replayed, newest first"
    replay_help = "run dead tasks again"
    head = ("id", "task", "failed", "arguments", "error")

    def rows(self, *, limit: int, **options: Any) -> Iterator[Sequence[object]]:
        for row in DeadTask.objects.filter(replayed_at=None).order_by("-failed_at", "id")[:limit]:
            failed_at, error = row.failed_at.isoformat(timespec="seconds"), row.error.partition("\n")[0][:80]
            yield row.id, row.name or "(no task)", failed_at, row.kwargs or row.args, error

    def replay(self, ids: Sequence[UUID] | None) -> str:
        return f"{celery_task.replay(task_ids=ids)} tasks will run again."
