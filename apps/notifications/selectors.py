"""Reading notifications and preferences. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.notifications import policies
from apps.notifications.models import Inbox, Notification
from apps.notifications.types import Summary


def list_notifications(*, user_id: UUID) -> QuerySet[Notification]:
    """What someone was told, the newest first."""
    return Notification.objects.filter(policies.own(user_id=user_id)).order_by("-seq")


def list_notifications_after(*, user_id: UUID, after: int, limit: int) -> list[Notification]:
    """Up to `limit` that follow number `after`, the oldest first."""
    return list(list_notifications(user_id=user_id).filter(seq__gt=after).order_by("seq")[:limit])


def get_summary(*, user_id: UUID) -> Summary:
    """How much someone has not read."""
    return Summary(unread=count_unread(user_id=user_id), seq=list_heads(user_ids=[user_id]).get(user_id, 0))


def count_unread(*, user_id: UUID) -> int:
    """How many someone has not read."""
    return Notification.objects.filter(policies.own(user_id=user_id), read_at=None).count()


def list_heads(*, user_ids: Collection[UUID]) -> dict[UUID, int]:
    """The newest number of each person who was told anything."""
    return dict(Inbox.objects.filter(pk__in=user_ids).values_list("pk", "head"))


def get_inbox(*, user_id: UUID) -> Inbox:
    """Someone's preferences; those who never chose have the defaults, unsaved."""
    return Inbox.objects.filter(pk=user_id).first() or Inbox(user_id=user_id)


def frame(notification: Notification) -> dict[str, Any]:
    """A notification as streams carry it, and as REST answers it but for `type`."""
    return {
        "type": "notification",
        "id": str(notification.pk),
        "seq": notification.seq,
        "kind": notification.kind,
        "title": notification.title,
        "body": notification.body,
        "link": notification.link,
        "data": notification.data,
        "at": notification.created_at,
        "read": notification.read_at is not None,
    }
