"""Deletion of old notifications and of those of erased accounts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.notifications.models import Inbox, Notification, RemovedNotification
from apps.notifications.services import notifying

KEEP_READ: Final = timedelta(days=30)
KEEP: Final = timedelta(days=180)
_BATCH: Final = 5_000


def delete_old_notifications(*, now: datetime | None = None) -> int:
    """Delete notifications that were read 30 days ago, and all that are 180 days old, retracted ones included.

    Returns the number of rows deleted.
    """
    now = now or timezone.now()
    old = Notification.objects.filter(Q(created_at__lt=now - KEEP) | Q(read_at__lt=now - KEEP_READ))
    count = RemovedNotification.objects.filter(removed_at__lt=now - KEEP).delete()[0]
    # In no order: sorted by user, each batch would join and sort them all.
    while batch := list(old.order_by().values_list("pk", flat=True)[:_BATCH]):
        count += Notification.objects.filter(pk__in=batch).delete()[0]
    return count


def forget_user(*, user_id: UUID) -> int:
    """Delete the inbox of an erased account, and the notifications of others that name it. Idempotent.

    Returns the number of rows deleted.
    """
    gone = Notification.objects.filter(user_id=user_id).delete()[0]
    RemovedNotification.objects.filter(user_id=user_id).delete()
    about = Notification.objects.filter(about_id=user_id)
    while batch := list(about.values_list("pk", flat=True)[:_BATCH]):
        with transaction.atomic():
            notifying.delete(Notification.objects.filter(pk__in=batch))
        gone += len(batch)
    return gone + Inbox.objects.filter(pk=user_id).delete()[0]
