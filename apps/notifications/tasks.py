"""Background tasks: digests and cleaning. Each calls an idempotent service."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery import shared_task
from django.db import OperationalError

from apps.common.tasks import celery_task
from apps.notifications import services
from infrastructure.email import EmailDeliveryError

SCHEDULE: dict[str, dict[str, Any]] = {
    # Often, so that an outage of the broker does not delay digests for long; each is sent once a period.
    "notifications.send-digests": {
        "task": "apps.notifications.tasks.send_digests",
        "schedule": 900.0,
        "options": {"expire_seconds": 900},
    },
    "notifications.delete-old": {
        "task": "apps.notifications.tasks.delete_old",
        "schedule": 3600.0,
        "options": {"expire_seconds": 3600},
    },
}
_task = partial(celery_task.calling, module=__name__, retry_for=(OperationalError,))

delete_old = _task(services.delete_old_notifications, name="delete_old")
forget_user = _task(services.forget_user)
retract_slice = _task(services.retract_slice)
send_digest = _task(services.send_digest, retry_for=(EmailDeliveryError, OperationalError))


@shared_task()
def send_digests() -> None:
    """Start a task for each digest that is due, so that a failing mail delays no other."""
    for user_id in services.due_for_digest():
        send_digest.delay(user_id=str(user_id))
