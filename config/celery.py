"""The Celery application: settings by the CELERY_ prefix, tasks and schedules found in the slices."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init
from kombu.transport import TRANSPORT_ALIASES

from infrastructure.product import PRODUCT
from infrastructure.telemetry import tasks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery(PRODUCT.slug, task_cls="apps.common.tasks.celery_task:Task")
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

    lazy_import.load()
    heartbeat.install(settings.HEARTBEAT_FILE)
