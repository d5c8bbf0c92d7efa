"""The base of Celery tasks, tasks that call a service, and the table of dead tasks, which failed permanently.

    send_welcome_mail = celery_task.calling(services.send_welcome_mail, module=__name__, retry_for=(EmailDeliveryError,))

Arguments are ids as keywords, since dead tasks are stored in plain text.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import UUID

import celery
import structlog
from celery import signals
from celery.exceptions import Ignore, Reject
from django.db import DatabaseError, DataError, connection, transaction
from django.utils import timezone

from apps.common import events
from apps.common.events import outbox
from apps.common.models import DeadTask
from infrastructure.telemetry import context, redaction

if TYPE_CHECKING:
    from infrastructure.scheduling.transport import Unusable

# Redis redelivers a message that is not acknowledged within `visibility_timeout` (65 s), even if it only waits in a
# worker: after a longer countdown, the task would run twice.
MAX_COUNTDOWN: Final = 45
MAX_MESSAGE: Final = 8_000
_log = structlog.get_logger(__name__)


def _acquire_producer() -> AbstractContextManager[Any]:
    producer: AbstractContextManager[Any] = celery.current_app.producer_or_acquire()
    return producer


outbox.acquire_producer = _acquire_producer


class Task(celery.Task):  # type: ignore[type-arg]  # celery-types makes it generic, celery itself does not
    """Acknowledged when done, and retried on the errors that it names, with back-off and jitter, for some minutes."""

    abstract = True
    max_retries = 10
    retry_backoff = 2
    retry_backoff_max = MAX_COUNTDOWN
    retry_jitter = True
    default_retry_delay = 5
    # A pool process that dies, for example out of memory, costs its task one of these attempts.
    retry_on_worker_lost = True

    def apply_async(self, args: Any = None, kwargs: Any = None, *positional: Any, **options: Any) -> Any:
        """Raises ValueError for a countdown over MAX_COUNTDOWN."""
        countdown = options.get("countdown")
        if countdown is not None and countdown > MAX_COUNTDOWN:
            if not options.get("retries"):
                raise ValueError(
                    f"A task waits at most {MAX_COUNTDOWN} s; store later work in a table and sweep it."
                )
            options["countdown"] = MAX_COUNTDOWN
        return super().apply_async(args, kwargs, *positional, **options)

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Raises Ignore for a copy of a confirmed task."""
        try:
            is_done = outbox.is_confirmed(task_id)
        except DatabaseError:
            return  # the task raises the same error, and retries if it should
        if is_done:
            _log.info("task.was_done_before", task=self.name)
            raise Ignore


def calling(
    service: Callable[..., Any],
    *,
    module: str,
    name: str = "",
    retry_for: tuple[type[Exception], ...] = (),
    **options: Any,
) -> Any:
    """A task that calls a service with its keyword arguments; UUIDs and datetimes are sent as text.

    Args:
        service: Its result is ignored.
        module: The `__name__` of the module that has the task, and the first part of the task's name.
        name: The last part of the task's name; by default the name of the service.
        retry_for: Errors that cause a retry.
        options: As for `celery.shared_task`.
    """

    @wraps(service)
    def run(**arguments: Any) -> None:
        kinds = _kinds(service)
        service(**{key: events.parse(value, kinds.get(key)) for key, value in arguments.items()})

    name = f"{module}.{name or service.__name__}"
    make: Any = celery.shared_task(name=name, autoretry_for=retry_for, **options)
    return make(run)


@cache
def _kinds(service: Callable[..., Any]) -> dict[str, type]:
    """The parameters of a service that are UUIDs or datetimes."""
    return {
        name: kind
        for name, hint in typing.get_type_hints(service).items()
        for kind in (hint, *typing.get_args(hint))
        if kind in (UUID, datetime)
    }


def install() -> None:
    """Connect the signals of tasks to the outbox and the table of dead tasks."""
    signals.task_success.connect(_succeeded, dispatch_uid="celery_task.task_succeeded")
    signals.task_retry.connect(_retried, dispatch_uid="celery_task.task_retried")
    signals.task_failure.connect(record_failure, dispatch_uid="celery_task.dead_tasks")
    signals.task_rejected.connect(record_unusable, dispatch_uid="celery_task.unusable_messages")


def _succeeded(*, sender: Any, **_: Any) -> None:
    try:
        outbox.confirm(sender.request.id)
    except DatabaseError:
        _log.exception(
            "task.not_confirmed", task=sender.name
        )  # the outbox publishes a copy, which does nothing


def _retried(*, sender: Any, request: Any, **_: Any) -> None:
    try:
        outbox.postpone(request.id, seconds=MAX_COUNTDOWN)
    except DatabaseError:
        _log.exception(
            "task.not_postponed", task=sender.name
        )  # the outbox publishes a copy; tasks are idempotent


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
    """Record a task that failed permanently: no attempts left, an error without retry, a timeout, a lost worker."""
    if isinstance(exception, Reject) and outbox.reference(task_id) is not None:
        return  # the broker is unavailable for its retry; the outbox publishes it again
    _record(
        task_id=task_id,
        name=sender.name,
        args=list(args or ()),
        kwargs=dict(kwargs or {}),
        error=_error(exception),
        traceback=redaction.redact_text(str(getattr(einfo, "traceback", None) or ""))[-8000:],
        request_id=context.request_id(),
    )


def record_unusable(*, message: Unusable, exc: BaseException, **_: Any) -> None:
    """Record a broker's message that is not a task."""
    _log.error("task.unusable", task=message.name, task_id=message.task_id, error=repr(exc))
    _record(
        task_id=message.task_id,
        name=message.name,
        args=message.args,
        kwargs=message.kwargs,
        error=_error(exc),
        message="" if message.name else redaction.redact_text(message.text)[:MAX_MESSAGE],
        request_id=message.request_id,
    )


def _error(exception: BaseException) -> str:
    return redaction.redact_text(f"{type(exception).__name__}: {exception}")[:2000]


def _record(**row: Any) -> None:
    """Write a row of the table of dead tasks, or a log event if the database is unavailable."""
    try:
        try:
            _write(**row)
        except (DataError, ValueError):
            # PostgreSQL stores neither U+0000 nor NaN, lone surrogates or names of any length.
            shown = ascii({"name": row["name"], "args": row["args"], "kwargs": row["kwargs"]})
            _write(
                task_id=_plain(row["task_id"])[:255],
                name="",
                error=_plain(row["error"]),
                message=_plain(row.get("message") or redaction.redact_text(shown))[:MAX_MESSAGE],
            )
    except DatabaseError:
        _log.exception("task.dead_not_recorded", **row)
    finally:
        if not connection.in_atomic_block:
            # A worker's main process keeps no connection, because forked processes would share it.
            connection.close()


def _write(**row: Any) -> None:
    with transaction.atomic():
        DeadTask.objects.create(**row)
        outbox.confirm(row["task_id"])


def _plain(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReplayed(events.Event):
    """A dead task was replayed. As an event, the replay is as reliable as the first run."""

    name: ClassVar[str] = "common.task_replayed"
    dead_task_id: UUID


class _DeadTask:
    """The handler of TaskReplayed: publishes the task of a row."""

    name = "apps.common.celery_task.replay"

    def run(self, *, dead_task_id: str) -> None:
        """Declares the parameters."""

    def apply_async(self, *, kwargs: dict[str, Any], task_id: str, producer: Any) -> None:
        row = DeadTask.objects.get(pk=kwargs["dead_task_id"])
        celery.current_app.send_task(
            row.name, args=row.args, kwargs=row.kwargs, task_id=task_id, producer=producer
        )


events.on(TaskReplayed, task=_DeadTask())


def replay(*, task_ids: Collection[UUID] | None = None) -> int:
    """Replay dead tasks, those of the given rows or all that were not replayed. Returns the number of tasks.

    The outbox publishes them. Messages that name no task are skipped.
    """
    rows = DeadTask.objects.filter(replayed_at=None).exclude(name="")
    if task_ids is not None:
        rows = rows.filter(pk__in=task_ids)
    with transaction.atomic():
        found = list(rows.order_by("failed_at", "id").select_for_update(skip_locked=True))
        for row in found:
            with context.bound(request_id=row.request_id):
                events.publish(TaskReplayed(dead_task_id=row.pk))
        rows.model.objects.filter(pk__in=[row.pk for row in found]).update(replayed_at=timezone.now())
    return len(found)
