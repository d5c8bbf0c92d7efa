"""The base of every Celery task, and the table of tasks that failed for good. The tasks themselves are in slices.

    @shared_task(autoretry_for=(EmailDeliveryError,))
    def send_welcome_mail(*, user_id: str) -> None: ...

Arguments are ids as keywords: they are stored in plain text when the task fails for good.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

import celery
import structlog
from celery.signals import task_failure
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.common.models import DeadTask
from infrastructure.telemetry import context, redaction

# Redis delivers a message again that was not acknowledged for `visibility_timeout` (65 s), also one that only waits in
# a worker for its time: a longer wait would run twice, fail twice, and wait twice again.
MAX_COUNTDOWN: Final = 45
_log = structlog.get_logger(__name__)


class Task(celery.Task):  # type: ignore[type-arg]  # celery-types makes it generic, celery itself does not
    """Acknowledged when done; retried on the errors that a task names, with back-off and jitter, for some minutes."""

    abstract = True
    max_retries = 10
    retry_backoff = 2
    retry_backoff_max = MAX_COUNTDOWN
    retry_jitter = True
    default_retry_delay = 5
    # A pool process that dies (out of memory, say) costs its task an attempt; without a bound it would come back forever.
    retry_on_worker_lost = True

    def apply_async(self, args: Any = None, kwargs: Any = None, *positional: Any, **options: Any) -> Any:
        """Publish. Raises ValueError for a wait that the broker would take for a lost message."""
        countdown = options.get("countdown")
        if countdown is not None and countdown > MAX_COUNTDOWN:
            if not options.get("retries"):
                raise ValueError(
                    f"A task waits {MAX_COUNTDOWN} s at most; keep later work in a table and sweep it."
                )
            options["countdown"] = MAX_COUNTDOWN
        return super().apply_async(args, kwargs, *positional, **options)


def install() -> None:
    """Record tasks that failed for good: all attempts used, an error that is not retried, out of time, worker lost."""
    task_failure.connect(record_failure, dispatch_uid="sarsen.dead_tasks")


def record_failure(
    *,
    sender: Any,
    task_id: str,
    exception: BaseException,
    args: Any = (),
    kwargs: Any = None,
    einfo: Any = None,
    **_: Any,
) -> None:
    """A receiver of `task_failure`. When the database is away the log has to do."""
    error = redaction.redact_text(f"{type(exception).__name__}: {exception}")[:2000]
    try:
        with transaction.atomic():
            DeadTask.objects.create(
                task_id=task_id,
                name=sender.name,
                args=list(args or ()),
                kwargs=dict(kwargs or {}),
                error=error,
                traceback=redaction.redact_text(str(getattr(einfo, "traceback", None) or ""))[-8000:],
                request_id=context.request_id(),
            )
    except DatabaseError:
        _log.exception(
            "task.dead_not_recorded", task=sender.name, args=list(args or ()), kwargs=dict(kwargs or {})
        )


def replay(*, task_ids: Collection[UUID] | None = None) -> int:
    """Publish dead tasks again, those of the given rows or all that were not yet. How many it were.

    Raises kombu's OperationalError when the broker is away; tasks that were not published stay as they are.
    """
    rows = DeadTask.objects.filter(replayed_at=None).order_by("failed_at", "id")
    if task_ids is not None:
        rows = rows.filter(pk__in=task_ids)
    count = 0
    for pk in list(rows.values_list("pk", flat=True)):
        with transaction.atomic():
            row = DeadTask.objects.select_for_update(skip_locked=True).filter(pk=pk, replayed_at=None).first()
            if row is None:
                continue
            row.replayed_at = timezone.now()
            row.save(update_fields=["replayed_at"])
            # Last, within the transaction: when publishing fails, the row stays to be replayed.
            headers = {"sarsen_request_id": row.request_id} if row.request_id else {}
            celery.current_app.send_task(row.name, args=row.args, kwargs=row.kwargs, headers=headers)
        count += 1
    return count
