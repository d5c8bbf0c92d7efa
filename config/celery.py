"""The Celery application: settings by the CELERY_ prefix, tasks and schedules found in the slices."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import worker_init

from infrastructure.telemetry import tasks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("sarsen", task_cls="apps.common.celery_task:Task")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# In every process that publishes or runs tasks, and before Celery would set up a log of its own.
tasks.install()


@app.on_after_finalize.connect
def collect_schedules(sender: Celery, **_: Any) -> None:
    """Put every slice's `tasks.SCHEDULE` into the beat schedule, which the database scheduler takes over."""
    from django.apps import apps

    schedule: dict[str, dict[str, Any]] = {}
    for config in apps.get_app_configs():
        if config.name.startswith("apps.") and (import_path := f"{config.name}.tasks"):
            try:
                module = import_module(import_path)
            except ModuleNotFoundError as error:
                if error.name != import_path:
                    raise
                continue
            schedule.update(getattr(module, "SCHEDULE", {}))
    sender.conf.beat_schedule = schedule


@worker_init.connect
def begin_to_work(**_: Any) -> None:
    """Load what tasks use, before processes are forked off; touch HEARTBEAT_FILE for the health check, if there is one."""
    from django.conf import settings

    from infrastructure import lazy_import
    from infrastructure.scheduling import heartbeat

    lazy_import.load()
    heartbeat.install(settings.HEARTBEAT_FILE)
