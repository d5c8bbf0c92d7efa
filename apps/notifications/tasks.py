"""Background work of the slice: digests, cleaning. The work is in services, where doing it twice does it once."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery import shared_task
from django.db import OperationalError

from apps.common.tasks import celery_task
from apps.notifications import services
from infrastructure.email import EmailDeliveryError

SCHEDULE: dict[str, dict[str, Any]] = {
    # Often, so that a broker that was away at midnight delays no digest for long; each goes out once a period.
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
send_digest = _task(services.send_digest, retry_for=(EmailDeliveryError, OperationalError))


@shared_task()
def send_digests() -> None:
    """Publish a task for each digest that is due: a mail that fails delays no other."""
    for user_id in services.due_for_digest():
        send_digest.delay(user_id=str(user_id))
