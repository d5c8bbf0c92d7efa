"""Sends each mail once for its cause, however often its task runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.common.models import SentMail
from infrastructure import email

KEEP: Final = timedelta(days=30)


def send_once(*, template: str, cause: UUID | str, now: datetime | None = None, **mail: Any) -> bool:
    """Send a mail unless it was sent for this cause before. Returns whether it was sent now.

    The row that marks the mail as sent is written in the same transaction: a second worker waits, and a failed delivery
    writes nothing. A process that dies between sending and committing sends the mail twice, with the same Message-ID.

    Args:
        template, mail: As for `infrastructure.email.send`.
        cause: The id of the event or request that causes the mail. A text has only `A-Z a-z 0-9 - .`.

    Raises EmailDeliveryError.
    """
    key = f"{template}.{cause}"
    with transaction.atomic():
        _, is_new = SentMail.objects.get_or_create(key=key, defaults={"sent_at": now or timezone.now()})
        if is_new:
            email.send(template=template, message_id=key, **mail)
    return is_new


def prune(*, now: datetime | None = None) -> int:
    """Delete the marks of mails sent over a month ago. Returns their number."""
    return SentMail.objects.filter(sent_at__lt=(now or timezone.now()) - KEEP).delete()[0]
