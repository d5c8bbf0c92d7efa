"""Mails that are sent once for each cause, however often their task is delivered."""

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
    """Send a mail, unless it was sent for this cause before. Returns whether it was sent now.

    That it was sent is written in the transaction that it is sent in: of two workers one waits for the other, and when
    sending fails, nothing was written. A process that dies between sending and committing sends twice, which is better
    than never; both mails have the Message-ID that is made of the cause, so that they can be told for one.

    Args:
        template: The mail, as for `infrastructure.email.send`, which takes the other arguments, too.
        cause: The event or the request that it follows from; letters, digits, `-` and `.` if it is a text.
        now: When it is sent.

    Raises EmailDeliveryError.
    """
    key = f"{template}.{cause}"
    with transaction.atomic():
        _, is_new = SentMail.objects.get_or_create(key=key, defaults={"sent_at": now or timezone.now()})
        if is_new:
            email.send(template=template, message_id=key, **mail)
    return is_new


def prune(*, now: datetime | None = None) -> int:
    """Forget what was sent a month ago. Returns the number of mails."""
    return SentMail.objects.filter(sent_at__lt=(now or timezone.now()) - KEEP).delete()[0]
