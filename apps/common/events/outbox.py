"""The outbox: passes committed events to their handlers, and publishes their tasks until these are confirmed.

A thread of each process (`apps.common.events.relay`) wakes when a transaction with an event commits; beat's sweep relays
the rest. They can run in parallel: a row is locked while it is handled (FOR UPDATE SKIP LOCKED), and the writes of handler
functions are committed together with their mark as handled.

The id of a task names the event and the handler. The worker confirms the task here when it has succeeded or become a dead
task (`apps.common.tasks.celery_task`). A task that is not confirmed in time is published again, so that neither an emptied
broker nor a killed worker or relay loses work (docs/adr/0003).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from apps.common import events
from apps.common.events.relay import relay
from apps.common.models import OutboxEvent
from infrastructure import lazy_import
from infrastructure.telemetry import context, metrics, tracing

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_import.module("redis")

LIMIT: Final = 500
BATCH: Final = 100
MAX_ATTEMPTS: Final = 10
MAX_DELAY: Final = 300.0
MAX_OUTAGE_DELAY: Final = 30.0
# Longer than the broker takes to redeliver the task of a killed worker (70 s: visibility_timeout and the interval of its
# check). With beat's sweep every 15 s, a lost task runs again within 90 s.
ASK_AGAIN: Final = 72.0
MAX_ASK_AGAIN: Final = 900.0
KEEP_DONE: Final = timedelta(days=3)
SWEEP_SECONDS: Final = 10.0
_log = structlog.get_logger(__name__)


def _no_producer() -> AbstractContextManager[Any]:
    raise RuntimeError("apps.common.tasks.celery_task is not imported")


acquire_producer: Callable[[], AbstractContextManager[Any]] = _no_producer
"""A kombu `Producer` for a block. `apps.common.tasks.celery_task` sets it to Celery's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The result of a relay: the number of events handled, and the seconds until the next attempt."""

    taken: int
    retry_in: float | None
    outage: bool


def is_outage(error: Exception) -> bool:
    """Whether a service is unavailable. Such errors never make an event dead."""
    return isinstance(
        error, BrokerError | redis.ConnectionError | redis.TimeoutError | ConnectionError | TimeoutError
    )


def delay_after(attempts: int, *, ceiling: float = MAX_DELAY) -> float:
    """Seconds to wait after failed attempts: doubled each time up to `ceiling`, with jitter of a quarter."""
    return float(min(2.0 ** (attempts - 1), ceiling) * random.uniform(0.75, 1.0))  # noqa: S311  (not a secret)


def ask_again_after(asked: int) -> timedelta:
    """The wait for the confirmation of a task that was published `asked` times: doubled each time."""
    return timedelta(seconds=min(ASK_AGAIN * 2.0 ** min(asked - 1, 10), MAX_ASK_AGAIN))


def relay_due(*, limit: int = LIMIT) -> Round:
    """Handle due events until none is left, `limit` is reached, or a service is unavailable."""
    taken = 0
    waits: list[float] = []
    while taken < limit:
        size = min(BATCH, limit - taken)
        batch = _relay_batch(size)
        taken += batch.taken
        if batch.retry_in is not None:
            waits.append(batch.retry_in)
        if batch.outage or batch.taken < size:
            return Round(taken=taken, retry_in=min(waits, default=None), outage=batch.outage)
    return Round(taken=taken, retry_in=min(waits, default=None), outage=False)


def sweep() -> None:
    """Relay due events until none is left, a service is unavailable, or SWEEP_SECONDS have passed."""
    until = time.monotonic() + SWEEP_SECONDS
    while time.monotonic() < until:
        result = relay_due()
        if result.outage or result.taken < LIMIT:
            return


@dataclass(slots=True, eq=False)
class _Delivery:
    """An event of a batch, its unfinished handlers, and the messages of those that are tasks."""

    row: OutboxEvent
    event: events.Event
    handlers: dict[str, events.Handler]
    messages: list[tuple[events.Task, dict[str, Any], str]] = field(default_factory=list)
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.row.request_id = self.row.request_id or context.new_request_id()

    @contextmanager
    def context(self) -> Iterator[None]:
        request_id = self.row.request_id
        with (
            context.bound(request_id=request_id, event_id=str(self.row.id)),
            tracing.part_of(request_id, f"event {self.row.name}"),
        ):
            yield

    def fail(self, error: Exception, handler: str, *, log_event: str) -> None:
        with self.context():
            _log.warning(log_event, handler=handler, event_name=self.row.name, exc_info=error)
        self.error = error


def _relay_batch(size: int) -> Round:
    """Handle the longest overdue events in a transaction."""
    now = timezone.now()
    waits, batch, outage = [], [], False
    with transaction.atomic():
        rows = list(OutboxEvent.objects.due(now).select_for_update(skip_locked=True)[:size])
        for row in rows:
            try:
                event = events.decode(row.name, row.payload)
            except (events.UnknownEvent, TypeError, ValueError) as error:
                waits.append(_record_failure(row, error, now))
            else:
                handlers = events.handlers_of(row.name).items()
                batch.append(_Delivery(row, event, {k: one for k, one in handlers if k not in row.handled}))
        called = _call_functions(batch)
        asking = [one for one in called if _mark(one, now)]
        # Before the tasks are published, because a task that runs in place confirms itself immediately.
        _save(called)
        _publish(asking)
        for one in called:
            if one.error is not None:
                outage = outage or is_outage(one.error)
                waits.append(_record_failure(one.row, one.error, now))
    taken = len(rows) - len(batch) + len(called)
    return Round(taken=taken, retry_in=min((one for one in waits if one), default=None), outage=outage)


def _call_functions(batch: list[_Delivery]) -> list[_Delivery]:
    """Call the functions of all events in one savepoint, or each in its own if one fails.

    Returns the events of which all functions were called: an unavailable service ends the batch.
    """
    calls = [
        (one, name, function)
        for one in batch
        for name, function in one.handlers.items()
        if not isinstance(function, events.TaskHandler)
    ]
    if not calls:
        return batch
    failed: tuple[object, Exception] | None = None
    call: object = None
    try:
        with transaction.atomic():
            for call in calls:
                one, _, function = call
                with one.context():
                    function(one.event)
    except Exception as error:  # noqa: BLE001  (handled below, where each call has a savepoint of its own)
        failed = call, error
    for call in calls:
        one, name, function = call
        try:
            if failed is not None:
                with transaction.atomic(), one.context():
                    if failed[0] is call:
                        raise failed[1]
                    function(one.event)
        except Exception as error:  # noqa: BLE001  (stored with the event, logged and retried)
            one.fail(error, name, log_event="outbox.handler_failed")
            if is_outage(error):
                return batch[: batch.index(one) + 1]
        else:
            one.row.handled = [*one.row.handled, name]
    return batch


def _mark(one: _Delivery, now: datetime) -> bool:
    """Set the state of the event after this attempt. Returns whether its tasks are to be published."""
    row = one.row
    row.awaited = [name for name in one.handlers if name not in row.handled]
    if not row.awaited:
        row.done_at, row.last_error = now, ""
        _count(row.name, "done")
        return False
    for name, handler in one.handlers.items():
        if isinstance(handler, events.TaskHandler):
            try:
                arguments = handler.arguments(one.event, event_id=row.id)
                one.messages.append((handler.task, arguments, f"{row.id}:{name}"))
            except TypeError as error:
                one.fail(error, name, log_event="outbox.publish_failed")
    if not one.messages:
        return False
    is_time = row.asked_at is None or now >= row.asked_at + ask_again_after(row.asked)
    if is_time:
        row.asked, row.asked_at = min(row.asked + 1, 32_000), now
        _count(row.name, "asked" if row.asked == 1 else "asked_again")
    assert row.asked_at is not None
    row.due_at = row.asked_at + ask_again_after(row.asked)
    return is_time


_MARKS: Final = ("handled", "awaited", "done_at", "last_error", "asked", "asked_at", "due_at")


def _save(batch: list[_Delivery]) -> None:
    """Write the marks, in one statement for all events with the same ones."""
    groups: dict[str, list[OutboxEvent]] = {}
    for one in batch:
        groups.setdefault(repr([getattr(one.row, name) for name in _MARKS]), []).append(one.row)
    for rows in groups.values():
        values = {name: getattr(rows[0], name) for name in _MARKS}
        OutboxEvent.objects.filter(pk__in=[row.pk for row in rows]).update(**values)


def _publish(batch: list[_Delivery]) -> None:
    """Publish the tasks of all events in one round trip. If the broker is unavailable, the first event has failed."""
    if not batch:
        return
    refused = []
    try:
        with acquire_producer() as producer, producer.batch():
            for one in batch:
                try:
                    with one.context():
                        for task, arguments, task_id in one.messages:
                            task.apply_async(kwargs=arguments, task_id=task_id, producer=producer)
                except Exception as error:
                    if is_outage(error):
                        raise
                    one.fail(error, task.name, log_event="outbox.publish_failed")
                    refused.append(one)
    except Exception as error:  # noqa: BLE001  (stored with the event, logged and retried)
        batch[0].fail(
            error if is_outage(error) else BrokerError(repr(error)), "", log_event="outbox.publish_failed"
        )
        refused = batch
    for one in refused:
        one.row.asked, one.row.asked_at, one.row.due_at = one.row.asked - 1, None, timezone.now()
    _save(refused)


def _record_failure(row: OutboxEvent, error: Exception, now: datetime) -> float | None:
    """Schedule the next attempt, or mark the event as dead. Returns the seconds until the attempt."""
    outage = is_outage(error)
    row.attempts = min(row.attempts + 1, 32_000)
    row.last_error = f"{type(error).__name__}: {error}"[:2000]
    retry_in: float | None = None
    if not outage and row.attempts >= MAX_ATTEMPTS:
        row.dead_at = now
        _count(row.name, "dead")
        _log.error("outbox.dead", event_name=row.name, attempts=row.attempts, error=row.last_error)
    else:
        retry_in = delay_after(min(row.attempts, 16), ceiling=MAX_OUTAGE_DELAY if outage else MAX_DELAY)
        row.due_at = timezone.now() + timedelta(seconds=retry_in)
        _count(row.name, "outage" if outage else "failed")
    row.save(update_fields=["attempts", "due_at", "last_error", "dead_at"])
    return retry_in


def _count(name: str, outcome: str) -> None:
    metrics.OUTBOX.labels(name, outcome).inc()


def reference(task_id: str) -> tuple[UUID, str] | None:
    """The event and the handler named by the id of a task; None for a task without an event."""
    event_id, separator, handler = task_id.partition(":")
    try:
        return (UUID(event_id), handler) if separator else None
    except ValueError:
        return None


def is_confirmed(task_id: str) -> bool:
    """Whether another copy of the task has done the work."""
    if (found := reference(task_id)) is None:
        return False
    with connection.cursor() as cursor:  # for each task: a third of the time of the same query by the ORM
        cursor.execute("SELECT FROM common_outboxevent WHERE id = %s AND handled ? %s::text", found)
        return bool(cursor.rowcount)


_CONFIRM: Final = """
UPDATE common_outboxevent
SET handled = handled || to_jsonb(%(handler)s::text), awaited = awaited - %(handler)s::text,
    done_at = CASE WHEN awaited = to_jsonb(ARRAY[%(handler)s::text]) THEN %(now)s ELSE done_at END, last_error = ''
WHERE id = %(event_id)s AND NOT handled ? %(handler)s::text
RETURNING name, done_at IS NOT NULL
"""


def confirm(task_id: str) -> None:
    """Mark the task as done, and the event with its last task. Idempotent."""
    if (found := reference(task_id)) is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_CONFIRM, {"event_id": found[0], "handler": found[1], "now": timezone.now()})
        row = cursor.fetchone()
    if row is not None and row[1]:
        _count(row[0], "done")


def postpone(task_id: str, *, seconds: float) -> None:
    """Do not publish the task again before its own retry in `seconds`."""
    if (found := reference(task_id)) is None:
        return
    due_at = timezone.now() + timedelta(seconds=seconds + ASK_AGAIN)
    OutboxEvent.objects.pending().filter(pk=found[0], due_at__lt=due_at).update(due_at=due_at)


def replay(*, event_ids: Collection[UUID] | None = None) -> int:
    """Make dead events due again, all of them or those with the given ids. Returns the number of events."""
    rows = OutboxEvent.objects.dead()
    if event_ids is not None:
        rows = rows.filter(pk__in=event_ids)
    with transaction.atomic():
        count = rows.update(dead_at=None, attempts=0, asked=0, asked_at=None, due_at=timezone.now())
        transaction.on_commit(relay.wake)
    return count


def prune(*, now: datetime | None = None) -> int:
    """Delete events that were done before KEEP_DONE. Dead events stay. Returns the number of events."""
    return OutboxEvent.objects.filter(done_at__lt=(now or timezone.now()) - KEEP_DONE).delete()[0]


def _run_round() -> float | None:
    """Run one round of the thread. Returns the seconds until the next, None to sleep until woken."""
    try:
        result = relay_due()
    except DatabaseError as error:
        # The pooled connection may be dead; the next round uses another one.
        _log.warning("outbox.database_unavailable", error=repr(error))
        return 1.0
    if result.outage:
        return max(1.0, min(result.retry_in or 1.0, 5.0))
    return 0.0 if result.taken >= LIMIT else result.retry_in


relay.work = _run_round
