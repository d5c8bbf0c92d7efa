"""The Celery application: settings by the CELERY_ prefix, tasks and schedules found in the slices."""

from __future__ import annotations

import os
from typing import Any

from config.settings.components.observability import (
    METRICS_ADDRESS,
    METRICS_PORT,
    OTEL_EXPORTER_OTLP_ENDPOINT,
)
from infrastructure.telemetry import shared_metrics, tracing

if not OTEL_EXPORTER_OTLP_ENDPOINT:
    tracing.keep_out()
if METRICS_PORT:
    # A worker's processes add up, so this comes before anything below imports the metrics.
    shared_metrics.begin()


import structlog
from billiard import current_process
from celery import Celery
from celery.signals import beat_init, worker_init, worker_process_init, worker_ready
from kombu.transport import TRANSPORT_ALIASES

from infrastructure.product import PRODUCT
from infrastructure.telemetry import metrics, tasks, uncaught

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
_log = structlog.get_logger(__name__)

app = Celery(
    PRODUCT.slug,
    task_cls="apps.common.tasks.celery_task:Task",
    fixups=["infrastructure.scheduling.worker_connections:fixup"],
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# In every process that publishes or runs tasks, and before Celery would set up a log of its own.
tasks.install()
TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "infrastructure.scheduling.transport:Transport"))


@app.on_after_finalize.connect
def collect_schedules(sender: Celery, **_: Any) -> None:
    """Add every slice's `tasks.SCHEDULE` to the beat schedule, which the database scheduler takes over."""
    from apps.common import slices

    sender.conf.beat_schedule = {
        name: entry
        for _, module in slices.modules("tasks")
        for name, entry in getattr(module, "SCHEDULE", {}).items()
    }


@worker_init.connect
def begin_to_work(**_: Any) -> None:
    """Import what tasks use before processes are forked, and start the heartbeat."""
    from django.conf import settings

    from infrastructure import lazy_import
    from infrastructure.scheduling import heartbeat

    uncaught.install_for_worker()
    lazy_import.load()
    heartbeat.install(settings.HEARTBEAT_FILE)


@worker_process_init.connect
def enter_slot(**_: Any) -> None:
    """In each process of a worker's pool."""
    if METRICS_PORT:
        shared_metrics.enter(current_process().index)  # type: ignore[attr-defined]  # a pool's processes have one


@worker_ready.connect
def serve_metrics(**_: Any) -> None:
    """After the pool was forked, so that its processes have no copy of the thread."""
    _serve_metrics()


@beat_init.connect
def serve_metrics_of_installation(**_: Any) -> None:
    """Beat answers for what belongs to no process: queues, outbox, dead tasks."""
    from apps.common.tasks.backlog import Backlog

    _serve_metrics(Backlog())


def _serve_metrics(*collectors: Any) -> None:
    if not METRICS_PORT:
        return
    try:
        metrics.serve(METRICS_ADDRESS, METRICS_PORT, *collectors)
    except OSError as error:
        # The work matters more than its figures; the scraper sees that they are missing.
        _log.error("metrics.not_served", address=METRICS_ADDRESS, port=METRICS_PORT, error=str(error))
