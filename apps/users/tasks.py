"""Background work of the users slice: mails, the deletion of files, the hourly cleanup."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import OperationalError

from apps.common.tasks import celery_task
from apps.users import services
from infrastructure import storage
from infrastructure.email import EmailDeliveryError

SCHEDULE: dict[str, dict[str, Any]] = {
    "users.delete-expired": {
        "task": "apps.users.tasks.delete_expired",
        "schedule": 3600.0,
        "options": {"expire_seconds": 3600},
    },
    "users.erase-due": {
        "task": "apps.users.tasks.erase_due",
        "schedule": 3600.0,
        "options": {"expire_seconds": 3600},
    },
    "users.delete-orphaned-avatars": {
        "task": "apps.users.tasks.delete_orphaned_avatars",
        "schedule": 86400.0,
        "options": {"expire_seconds": 43200},
    },
}
_task = partial(celery_task.calling, module=__name__)
# The mail server or the database is unavailable or busy.
_mail = partial(_task, retry_for=(EmailDeliveryError, OperationalError))

send_welcome_mail = _mail(services.send_welcome_mail)
send_password_reset_mail = _mail(services.send_password_reset_mail)
send_verification_mail = _mail(services.send_verification_mail)
send_email_change_mail = _mail(services.send_email_change_mail)
send_notice = _mail(services.send_notice)
delete_expired = _task(services.delete_expired)
erase_due = _task(services.erase_due)
delete_orphaned_avatars = _task(services.delete_orphaned_avatars, retry_for=(OSError, OperationalError))


def _delete_avatar(*, file: str) -> None:
    storage.delete(file)


delete_avatar = _task(_delete_avatar, name="delete_avatar", retry_for=(OSError,))
