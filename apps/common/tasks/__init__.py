"""Periodic tasks: the sweep of the outbox, and the deletion of expired rows."""

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
        # A late sweep is useless. The limit exceeds the clock difference of two hosts.
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
    """Relay the events that no process has relayed, and publish unconfirmed tasks again."""
    outbox.sweep()


@shared_task(ignore_result=True)
def prune() -> None:
    """Delete finished events, marks of sent mails, and expired answers and cookie sessions."""
    outbox.prune()
    mails.prune()
    idempotency.prune()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


@shared_task(ignore_result=True)
def prune_audit() -> None:
    audit.prune()
