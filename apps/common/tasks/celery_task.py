"""The base of every Celery task, tasks that call a service, and the table of tasks that failed for good.

    send_welcome_mail = celery_task.calling(services.send_welcome_mail, module=__name__, retry_for=(EmailDeliveryError,))

Arguments are ids as keywords: they are stored in plain text when the task fails for good.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial, wraps
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

# Redis delivers a message again that was not acknowledged for `visibility_timeout` (65 s), also one that only waits in
# a worker for its time: a longer wait would run twice, fail twice, and wait twice again.
MAX_COUNTDOWN: Final = 45
MAX_MESSAGE: Final = 8_000
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

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Leave out a copy of a task whose work was confirmed before. Raises Ignore."""
        try:
            is_done = outbox.is_confirmed(task_id)
        except DatabaseError:
            return  # the task meets the same error, and knows whether it is worth a retry
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
    """Make a task that calls a service with its own arguments, by keyword; UUIDs and times travel as text.

    Args:
        service: What does the work. What it returns is dropped.
        module: The `__name__` of the module that keeps the task; with the service's name it is the task's.
        name: What the task is called in that module, if not as the service.
        retry_for: Errors after which it is tried again.
        options: Celery's.
    """

    @wraps(service)
    def run(**arguments: Any) -> None:
        kinds = _kinds(service)
        service(**{key: kinds[key](value) if key in kinds else value for key, value in arguments.items()})

    name = f"{module}.{name or service.__name__}"
    make: Any = celery.shared_task(name=name, autoretry_for=retry_for, **options)
    return make(run)


@cache
def _kinds(service: Callable[..., Any]) -> dict[str, Callable[[Any], Any]]:
    """How to read those arguments of a service that are no plain JSON."""
    readers: dict[Any, Callable[[Any], Any]] = {UUID: UUID, datetime: datetime.fromisoformat}
    kinds: dict[str, Callable[[Any], Any]] = {}
    for name, hint in typing.get_type_hints(service).items():
        for kind in (hint, *typing.get_args(hint)):
            if kind in readers:
                kinds[name] = partial(_read, readers[kind])
    return kinds


def _read(reader: Callable[[Any], Any], value: Any) -> Any:
    return value if value is None else reader(value)


def install() -> None:
    """Connect the outcome of tasks with the outbox and with the table of dead tasks."""
    signals.task_success.connect(_succeeded, dispatch_uid="celery_task.task_succeeded")
    signals.task_retry.connect(_retried, dispatch_uid="celery_task.task_retried")
    signals.task_failure.connect(record_failure, dispatch_uid="celery_task.dead_tasks")
    signals.task_rejected.connect(record_unusable, dispatch_uid="celery_task.unusable_messages")


def _succeeded(*, sender: Any, **_: Any) -> None:
    try:
        outbox.confirm(sender.request.id)
    except DatabaseError:
        _log.exception("task.not_confirmed", task=sender.name)  # it is asked for again, and does nothing then


def _retried(*, sender: Any, request: Any, **_: Any) -> None:
    try:
        outbox.postpone(request.id, seconds=MAX_COUNTDOWN)
    except DatabaseError:
        _log.exception(
            "task.not_postponed", task=sender.name
        )  # a second copy of it runs, which is idempotent


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
    """Keep a task that failed for good: all attempts used, an error that is not retried, out of time, worker lost."""
    if isinstance(exception, Reject) and outbox.reference(task_id) is not None:
        return  # its retry could not be published, since the broker is away; the outbox asks for it again
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
    """Keep what the worker took from the broker and could make no task of."""
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
    """Write a row of the table of dead tasks. When the database is away, the log has to do."""
    try:
        try:
            _write(**row)
        except (DataError, ValueError):
            # PostgreSQL stores neither U+0000 nor NaN nor lone surrogates nor endless names.
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
            # This may be a worker's main process, which keeps no connection: those that it forks off would share it.
            connection.close()


def _write(**row: Any) -> None:
    with transaction.atomic():
        DeadTask.objects.create(**row)
        outbox.confirm(row["task_id"])


def _plain(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReplayed(events.Event):
    """A dead task is to be tried again. The event makes that as safe as the task was in the first place."""

    name: ClassVar[str] = "common.task_replayed"
    dead_task_id: UUID


class _DeadTask:
    """Stands for the task that a row of the table is about."""

    name = "apps.common.celery_task.replay"

    def run(self, *, dead_task_id: str) -> None:
        """Has the parameters of `apply_async`."""

    def apply_async(self, *, kwargs: dict[str, Any], task_id: str) -> None:
        """Publish the task of the row."""
        row = DeadTask.objects.get(pk=kwargs["dead_task_id"])
        celery.current_app.send_task(row.name, args=row.args, kwargs=row.kwargs, task_id=task_id)


events.on(TaskReplayed, task=_DeadTask())


def replay(*, task_ids: Collection[UUID] | None = None) -> int:
    """Have dead tasks run again, those of the given rows or all that were not yet. Returns the number of tasks.

    They are published by the outbox, as soon as the broker is there. Messages that name no task stay as they are.
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
