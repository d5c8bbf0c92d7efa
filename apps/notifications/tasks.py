"""Background work of the slice: digests, cleaning."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import OperationalError

from apps.notifications import services
from infrastructure.email import EmailDeliveryError

SCHEDULE: dict[str, dict[str, Any]] = {
    # Often, so that a broker that was away at midnight delays no digest for long; each goes out once a period.
    "notifications.send-digests": {
        "task": "apps.notifications.tasks.send_digests",
        "schedule": 900.0,
        "options": {"expires": 900},
    },
    "notifications.delete-old": {
        "task": "apps.notifications.tasks.delete_old",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
}


@shared_task()
def send_digests() -> None:
    """Hand out the digests that are due, a task for each person: a mail that fails delays no other."""
    for user_id in services.due_for_digest():
        send_digest.delay(user_id=str(user_id))


@shared_task(autoretry_for=(EmailDeliveryError, OperationalError))
def send_digest(*, user_id: str) -> None:
    """One person's digest. Done twice, it is one mail."""
    services.send_digest(user_id=UUID(user_id))


@shared_task(autoretry_for=(OperationalError,))
def delete_old() -> None:
    """What was read long ago."""
    services.delete_old_notifications()


@shared_task(autoretry_for=(OperationalError,))
def forget_user(*, user_id: str) -> None:
    """All that an erased account was told."""
    services.forget_user(user_id=UUID(user_id))
