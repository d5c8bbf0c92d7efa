"""Periodic tasks of the shared bricks: the outbox's sweep, and the pruning of what is no longer needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from celery import shared_task
from django.conf import settings

from apps.common import audit, mails
from apps.common.events import outbox
from apps.common.http import idempotency

SCHEDULE: dict[str, dict[str, Any]] = {
    "common.sweep-outbox": {
        "task": "apps.common.tasks.sweep_outbox",
        "schedule": 15.0,
        # Sweeps that could not run are of no use later. Longer than clocks of two hosts may differ.
        "options": {"expire_seconds": 60},
    },
    "common.prune-audit": {
        "task": "apps.common.tasks.prune_audit",
        "schedule": 24 * 3600.0,
        "options": {"expire_seconds": 24 * 3600},
    },
    "common.prune": {
        "task": "apps.common.tasks.prune",
        "schedule": 3600.0,
        "options": {"expire_seconds": 3600},
    },
}


@shared_task(ignore_result=True)
def sweep_outbox() -> None:
    """Relay events that no process has relayed, and ask again for work that was not confirmed."""
    outbox.sweep()
    outbox.measure()


@shared_task(ignore_result=True)
def prune() -> None:
    """Delete events that were done, notes of mails that were sent, and answers and cookie sessions that have expired."""
    outbox.prune()
    mails.prune()
    idempotency.prune()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


@shared_task(ignore_result=True)
def prune_audit() -> None:
    """Let go of what the audit log has kept long enough."""
    audit.prune()
