"""What people do with their list: reading, and choosing what they want to hear of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.notifications import policies, selectors
from apps.notifications.exceptions import LinkUnusable, NotificationNotFound
from apps.notifications.models import Digest, Inbox, Notification
from apps.notifications.services import digests
from apps.notifications.types import Summary
from infrastructure import realtime


def mark_read(*, user_id: UUID, notification_id: UUID, now: datetime | None = None) -> Summary:
    """One is read; done twice is done. Returns what is left. Raises NotificationNotFound."""
    mine = Notification.objects.filter(policies.own(user_id=user_id), pk=notification_id)
    with transaction.atomic():
        if not mine.filter(read_at=None).update(read_at=now or timezone.now()) and not mine.exists():
            raise NotificationNotFound
        return _tell(user_id)


def mark_all_read(*, user_id: UUID, up_to: int | None = None, now: datetime | None = None) -> Summary:
    """All are read, or those up to a number: what came in after one looked stays unread. Returns what is left."""
    mine = Notification.objects.filter(policies.own(user_id=user_id), read_at=None)
    if up_to is not None:
        mine = mine.filter(seq__lte=up_to)
    with transaction.atomic():
        mine.update(read_at=now or timezone.now())
        return _tell(user_id)


def set_preferences(
    *, user_id: UUID, digest: str | None = None, muted_kinds: Sequence[str] | None = None
) -> Inbox:
    """Choose how often a digest comes, and which kinds not to hear of; what is left out stays."""
    with transaction.atomic():
        Inbox.objects.get_or_create(user_id=user_id)
        inbox = Inbox.objects.select_for_update(no_key=True).get(pk=user_id)
        if digest is not None:
            inbox.digest = digest
        if muted_kinds is not None:
            inbox.muted_kinds = sorted(set(muted_kinds))
        inbox.save(update_fields=["digest", "muted_kinds"])
    return inbox


def unsubscribe(*, token: str) -> None:
    """No more digests for whom the link of one was sent to; done twice is done. Raises LinkUnusable."""
    user_id = digests.read_unsubscribe_token(token)
    if user_id is None or not Inbox.objects.filter(pk=user_id).update(digest=Digest.NEVER):
        raise LinkUnusable


def _tell(user_id: UUID) -> Summary:
    """Other windows of the same person show the same number."""
    summary = selectors.get_summary(user_id=user_id)
    realtime.push(f"inbox:{user_id}", {"type": "unread", "unread": summary.unread})
    return summary
