"""The outbox's relay: takes committed events out of the table and hands them to their handlers, each once.

A thread of each process is woken when a transaction that published something commits; beat's sweep picks up what a
process left behind. Any number of relays may run: a row is locked while it is handled (FOR UPDATE SKIP LOCKED), and
what the handlers write is committed together with the mark that they are done.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from apps.common import events
from apps.common.models import OutboxEvent
from apps.common.relay import Relay
from infrastructure import lazy_import
from infrastructure.telemetry import context, metrics

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_import.module("redis")

MAX_ATTEMPTS: Final = 10
MAX_DELAY: Final = 300.0
MAX_OUTAGE_DELAY: Final = 30.0
KEEP_DONE: Final = timedelta(days=3)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a relay did: events that it took up, and seconds until its next attempt at one that failed."""

    taken: int
    retry_in: float | None
    outage: bool


def is_outage(error: Exception) -> bool:
    """Whether another part is away: nothing is wrong with the event then, so it is never given up for that."""
    return isinstance(
        error, BrokerError | redis.ConnectionError | redis.TimeoutError | ConnectionError | TimeoutError
    )


def delay_after(attempts: int, *, ceiling: float = MAX_DELAY) -> float:
    """Seconds to wait after that many attempts: doubled each time, with jitter of a quarter, at most `ceiling`."""
    return float(min(2.0 ** (attempts - 1), ceiling) * random.uniform(0.75, 1.0))  # noqa: S311  (no secret)


def relay_due(*, limit: int = 500) -> Round:
    """Handle events that are due, until there are none, `limit` is reached, or a part that they need is away."""
    taken = 0
    waits: list[float] = []
    while taken < limit:
        outcome = _relay_next()
        if outcome is None:
            break
        taken += 1
        if outcome.retry_in is not None:
            waits.append(outcome.retry_in)
        if outcome.outage:
            return Round(taken=taken, retry_in=min(waits), outage=True)
    return Round(taken=taken, retry_in=min(waits, default=None), outage=False)


def _relay_next() -> Round | None:
    """Take the event that is due longest and run its handlers in its transaction; None when nothing is due."""
    now = timezone.now()
    with transaction.atomic():
        row = OutboxEvent.objects.due(now).select_for_update(skip_locked=True).first()
        if row is None:
            return None
        with context.bound(request_id=row.request_id or context.new_request_id(), event_id=str(row.id)):
            error = _run_handlers(row)
            if error is None:
                row.done_at, row.last_error = timezone.now(), ""
                _count(row, "done")
                row.save(update_fields=["done_at", "handled", "last_error"])
                return Round(taken=1, retry_in=None, outage=False)
            return _put_off(row, error, now)


def _run_handlers(row: OutboxEvent) -> Exception | None:
    """Run the handlers that have not succeeded yet, each in a savepoint of its own. The first error, if any."""
    try:
        event = events.decode(row.name, row.payload)
    except (events.UnknownEvent, TypeError, ValueError) as error:
        return error
    failure: Exception | None = None
    for name, handler in events.handlers_of(row.name).items():
        if name in row.handled:
            continue
        try:
            with transaction.atomic():
                handler(event)
        except Exception as error:  # noqa: BLE001  (kept with the event, logged, and tried again)
            failure = failure or error
            _log.warning("outbox.handler_failed", handler=name, event_name=row.name, exc_info=error)
            if is_outage(error):
                break
        else:
            row.handled = [*row.handled, name]
    return failure


def _put_off(row: OutboxEvent, error: Exception, now: datetime) -> Round:
    """Note a failed attempt: later again, or never."""
    outage = is_outage(error)
    row.attempts = min(row.attempts + 1, 32_000)
    row.last_error = f"{type(error).__name__}: {error}"[:2000]
    retry_in: float | None = None
    if not outage and row.attempts >= MAX_ATTEMPTS:
        row.dead_at = now
        _count(row, "dead")
        _log.error("outbox.dead", event_name=row.name, attempts=row.attempts, error=row.last_error)
    else:
        retry_in = delay_after(min(row.attempts, 16), ceiling=MAX_OUTAGE_DELAY if outage else MAX_DELAY)
        row.due_at = timezone.now() + timedelta(seconds=retry_in)
        _count(row, "outage" if outage else "failed")
    row.save(update_fields=["attempts", "due_at", "handled", "last_error", "dead_at"])
    return Round(taken=1, retry_in=retry_in, outage=outage)


def _count(row: OutboxEvent, outcome: str) -> None:
    metrics.OUTBOX.labels(row.name, outcome).inc()


def replay(*, event_ids: Collection[UUID] | None = None) -> int:
    """Make dead events due again, all of them or those with the given ids. How many it were."""
    rows = OutboxEvent.objects.dead()
    if event_ids is not None:
        rows = rows.filter(pk__in=event_ids)
    with transaction.atomic():
        count = rows.update(dead_at=None, attempts=0, due_at=timezone.now())
        transaction.on_commit(wake)
    return count


def prune(*, now: datetime | None = None) -> int:
    """Delete events that were done some days ago; dead ones stay. How many it were."""
    return OutboxEvent.objects.filter(done_at__lt=(now or timezone.now()) - KEEP_DONE).delete()[0]


def measure() -> None:
    """Set the gauges of the outbox's depth."""
    metrics.OUTBOX_DEPTH.labels("pending").set(OutboxEvent.objects.pending().count())
    metrics.OUTBOX_DEPTH.labels("dead").set(OutboxEvent.objects.dead().count())


def _round() -> float | None:
    """One round of the thread: seconds until the next, None to sleep until woken."""
    try:
        result = relay_due()
    except DatabaseError as error:
        # The connection may have died in the pool; the next round gets another one.
        _log.warning("outbox.database_away", error=repr(error))
        return 1.0
    if result.outage:
        return max(1.0, min(result.retry_in or 1.0, 5.0))
    return result.retry_in


relay: Final = Relay(_round)


def wake() -> None:
    """Have this process's relay look for due events; never waits. Starts its thread at the first call."""
    relay.wake()
