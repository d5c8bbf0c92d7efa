"""Marking notifications as read, and preferences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.notifications import selectors
from apps.notifications.exceptions import NotificationNotFound
from apps.notifications.models import Inbox, Notification
from apps.notifications.types import Summary
from infrastructure import realtime


def mark_read(*, actor_id: UUID, notification_id: UUID, now: datetime | None = None) -> Summary:
    """Mark a notification as read. Idempotent. Returns what is left unread. Raises NotificationNotFound."""
    mine = Notification.objects.filter(user_id=actor_id, pk=notification_id)
    with transaction.atomic():
        if not mine.filter(read_at=None).update(read_at=now or timezone.now()) and not mine.exists():
            raise NotificationNotFound
        return _push_unread(actor_id)


def mark_all_read(*, actor_id: UUID, up_to: int | None = None, now: datetime | None = None) -> Summary:
    """Mark all notifications as read, or those up to a number. Returns what is left unread."""
    mine = Notification.objects.filter(user_id=actor_id, read_at=None)
    if up_to is not None:
        mine = mine.filter(seq__lte=up_to)
    with transaction.atomic():
        mine.update(read_at=now or timezone.now())
        return _push_unread(actor_id)


def set_preferences(
    *, actor_id: UUID, digest: str | None = None, muted_kinds: Sequence[str] | None = None
) -> Inbox:
    """Set the frequency of digests and the muted kinds; None keeps a preference."""
    with transaction.atomic():
        Inbox.objects.get_or_create(user_id=actor_id)
        inbox = Inbox.objects.select_for_update(no_key=True).get(pk=actor_id)
        if digest is not None:
            inbox.digest = digest
        if muted_kinds is not None:
            inbox.muted_kinds = sorted(set(muted_kinds))
        inbox.save(update_fields=["digest", "muted_kinds"])
    return inbox


def _push_unread(user_id: UUID) -> Summary:
    """Send the number of unread notifications to the user's streams."""
    summary = selectors.get_summary(user_id=user_id)
    realtime.push(f"inbox:{user_id}", {"type": "unread", "unread": summary.unread})
    return summary
