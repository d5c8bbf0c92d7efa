"""Pending work, measured at each scrape of beat's `/metrics`: queues, outbox, dead tasks.

Both sources are asked within the time limit of a request and look at a bounded number of rows. A source that does not
answer gives no figures, and `…_source_up` says so; a stale figure would look like a true one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import celery
import structlog
from django.conf import settings
from django.db import connection
from kombu import Connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from infrastructure.database import budget
from infrastructure.product import PRODUCT

MOST: Final = 10_000
"""Counts stop here."""
_STATEMENT: Final = """
WITH pending AS MATERIALIZED (
    SELECT created_at, asked_at FROM common_outboxevent
    WHERE done_at IS NULL AND dead_at IS NULL ORDER BY due_at, id LIMIT %(most)s
)
SELECT count(*) FILTER (WHERE asked_at IS NULL),
       count(*) FILTER (WHERE asked_at IS NOT NULL),
       (SELECT count(*) FROM (SELECT FROM common_outboxevent WHERE dead_at IS NOT NULL LIMIT %(most)s) AS dead),
       GREATEST(0, COALESCE(extract(epoch FROM now() - min(created_at)), 0)),
       (SELECT count(*) FILTER (WHERE replayed_at IS NULL)
        FROM (SELECT replayed_at FROM common_deadtask ORDER BY failed_at DESC LIMIT %(most)s) AS newest)
FROM pending
"""
_log = structlog.get_logger(__name__)


class Backlog(Collector):
    """The figures of the whole installation."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Registering asks nothing."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = _family("source_up", "Whether the source of these figures answered.", "source")
        for source, measure in (("database", _database), ("broker", _broker)):
            families = _measured(source, measure)
            up.add_metric([source], float(bool(families)))
            yield from families
        yield up


def _measured(source: str, measure: Callable[[], list[GaugeMetricFamily]]) -> list[GaugeMetricFamily]:
    try:
        with budget.request(time.monotonic()):
            return measure()
    except Exception as error:  # noqa: BLE001  (logged; the other source still answers)
        _log.warning("metrics.source_away", source=source, error=type(error).__name__)
        return []
    finally:
        connection.close()


def _database() -> list[GaugeMetricFamily]:
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, {"most": MOST})
        pending, awaited, dead, age, tasks = cursor.fetchone()
    depth = _family("outbox_depth", "Events in the outbox, by state; at most 10,000 each.", "state")
    for state, count in (("pending", pending), ("awaited", awaited), ("dead", dead)):
        depth.add_metric([state], count)
    oldest = _family("outbox_oldest_seconds", "Age of the oldest event whose work is not done.")
    oldest.add_metric([], float(age))
    failed = _family("dead_tasks", "Tasks that failed finally and were not replayed, of the newest 10,000.")
    failed.add_metric([], tasks)
    return [depth, oldest, failed]


def _broker() -> list[GaugeMetricFamily]:
    options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "max_retries": 0}
    queues = list(celery.current_app.amqp.queues)
    with Connection(settings.CELERY_BROKER_URL, connect_timeout=1, transport_options=options) as broker:
        channel: Any = broker.default_channel
        with channel.client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                for priority in channel.priority_steps:
                    pipeline.llen(channel._q_for_pri(queue, priority))  # noqa: SLF001  (kombu has no other name for it)
            pipeline.hlen(channel.unacked_key)
            *lengths, unacknowledged = pipeline.execute()
    waiting = _family("queue_length", "Tasks that no worker has taken.", "queue")
    steps = len(lengths) // len(queues)
    for position, queue in enumerate(queues):
        waiting.add_metric([queue], sum(lengths[position * steps : (position + 1) * steps]))
    taken = _family("tasks_unacknowledged", "Tasks that workers have taken and not finished.")
    taken.add_metric([], unacknowledged)
    return [waiting, taken]


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PRODUCT.identifier}_{name}", text, labels=labels)
