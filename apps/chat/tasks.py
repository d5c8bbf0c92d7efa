"""Background tasks of the slice. Each calls an idempotent service."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import OperationalError

from apps.chat import services
from apps.common.tasks import celery_task
from infrastructure.email import EmailDeliveryError

SCHEDULE: dict[str, dict[str, Any]] = {
    "chat.delete-discarded-files": {
        "task": "apps.chat.tasks.delete_discarded_files",
        "schedule": 3600.0,
        "options": {"expire_seconds": 3600},
    },
    "chat.delete-orphaned-files": {
        "task": "apps.chat.tasks.delete_orphaned_files",
        "schedule": 86400.0,
        "options": {"expire_seconds": 43200},
    },
    "chat.delete-expired": {
        "task": "apps.chat.tasks.delete_expired",
        "schedule": 3600.0,
        "options": {"expire_seconds": 3600},
    },
}
_task = partial(celery_task.calling, module=__name__, retry_for=(OperationalError,))

announce = _task(services.post_system_message, name="announce")
delete_discarded_files = _task(services.delete_discarded_files, retry_for=(OSError, OperationalError))
delete_orphaned_files = _task(services.delete_orphaned_files, retry_for=(OSError, OperationalError))
delete_expired = _task(services.delete_expired)
forget_user = _task(services.forget_user)
index_messages = _task(services.index_messages)
retract_room = _task(services.retract_room)
tell_of_invitation = _task(
    services.notify_of_invitation,
    name="tell_of_invitation",
    retry_for=(EmailDeliveryError, OperationalError),
)
tell_of_membership = _task(services.notify_of_membership, name="tell_of_membership")
tell_of_message = _task(services.notify_of_message, name="tell_of_message")
