"""The personal data of a user in this slice: preferences and notifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from apps.notifications import selectors
from apps.notifications.models import Notification

NOT_EXPORTED: Final = {
    "numbers that order the list": (
        "Inbox.head",
        "Inbox.changes",
        "Inbox.digested_for",
        "Inbox.digested_seq",
        "Notification.change",
        "Notification.changed_at_head",
        "RemovedNotification.seq",
        "RemovedNotification.change",
        "RemovedNotification.changed_at_head",
        "RemovedNotification.removed_at",
    ),
    "no more than the exported columns say": (
        "Notification.updated_at",
        "Notification.key",
        "Notification.scope",
    ),
}


def export(user_id: UUID) -> Mapping[str, Any]:
    """Returns preferences, and notifications, oldest first."""
    inbox = selectors.get_inbox(user_id=user_id)
    return {
        "preferences": {"digest": inbox.digest, "muted_kinds": inbox.muted_kinds},
        "notifications": Notification.objects.filter(user_id=user_id)
        .order_by("seq")
        .values("seq", "kind", "title", "body", "link", "data", "created_at", "read_at")
        .iterator(),
    }
