"""Background work of the users slice: mails, the deletion of files, the hourly cleaning. The work is in services."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import OperationalError

from apps.users import services
from infrastructure import storage
from infrastructure.email import EmailDeliveryError

SCHEDULE: dict[str, dict[str, Any]] = {
    "users.delete-expired": {
        "task": "apps.users.tasks.delete_expired",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
}
# The mail server or the database is away or busy.
WORTH_A_RETRY = (EmailDeliveryError, OperationalError)


@shared_task(autoretry_for=WORTH_A_RETRY)
def send_welcome_mail(*, user_id: str) -> None:
    """Once for each account."""
    services.send_welcome_mail(user_id=UUID(user_id))


@shared_task(autoretry_for=WORTH_A_RETRY)
def send_password_reset_mail(*, user_id: str, request_id: str) -> None:
    """Once for each request."""
    services.send_password_reset_mail(user_id=UUID(user_id), request_id=UUID(request_id))


@shared_task(autoretry_for=WORTH_A_RETRY)
def send_verification_mail(*, user_id: str, request_id: str) -> None:
    """Once for each request."""
    services.send_verification_mail(user_id=UUID(user_id), request_id=UUID(request_id))


@shared_task(autoretry_for=WORTH_A_RETRY)
def send_email_change_mail(*, user_id: str, request_id: str) -> None:
    """Once for each address of a request."""
    services.send_email_change_mail(user_id=UUID(user_id), request_id=UUID(request_id))


@shared_task(autoretry_for=WORTH_A_RETRY)
def send_notice(*, notice: str, user_id: str) -> None:
    """A notice of services.mails; twice does no harm."""
    services.send_notice(notice=notice, user_id=UUID(user_id))


@shared_task(autoretry_for=(OSError,))
def delete_avatar(*, file: str) -> None:
    """A file that is gone already is no error."""
    storage.delete(file)


@shared_task()
def delete_expired() -> None:
    """Tokens and sessions that have run out."""
    services.delete_expired()
