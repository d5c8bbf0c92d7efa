"""Queries for notifications and preferences. They never write."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.notifications.models import Inbox, Notification, RemovedNotification
from apps.notifications.types import Head, Page, Summary


def list_notifications(*, user_id: UUID) -> QuerySet[Notification]:
    """Lists the notifications of a user, the newest first."""
    return Notification.objects.filter(user_id=user_id).order_by("-seq")


def get_page(*, user_id: UUID, seq: int, change: int | None, limit: int) -> Page:
    """Returns the frames that follow notification `seq` and change `change`: first the changes of notifications up to `seq`.

    `change` None: the stream does not know its last change. It has seen those made before notification `seq` was the newest.
    """
    # Read first: everything up to these numbers is committed, because the lock on the inbox orders the commits.
    head = list_heads(user_ids=[user_id]).get(user_id, Head())
    if change != head.change:
        frames, last = _changes(user_id, seq=seq, after=change, up_to=head.change, limit=limit)
        if frames:
            return Page(frames=frames, seq=seq, change=last, is_last=False)
    rows = list_notifications(user_id=user_id).filter(seq__gt=seq, seq__lte=head.seq).order_by("seq")[:limit]
    frames = [frame(row) for row in rows]
    return Page(
        frames=frames,
        seq=frames[-1]["seq"] if frames else seq,
        change=head.change,
        is_last=len(frames) < limit,
    )


def _changes(
    user_id: UUID, *, seq: int, after: int | None, up_to: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """The frames of changes of notifications up to `seq`, in order, and the number of the last one."""
    since = Q(changed_at_head__gte=seq) if after is None else Q(change__gt=after)
    found = Q(since, user_id=user_id, change__lte=up_to, seq__lte=seq)
    changed = Notification.objects.filter(found).order_by("change")[:limit]
    removed = RemovedNotification.objects.filter(found).order_by("change")[:limit]
    rows: list[Notification | RemovedNotification] = [*changed, *removed]
    rows = sorted(rows, key=lambda row: row.change or 0)[:limit]
    frames: list[dict[str, Any]] = []
    for row in rows:
        if isinstance(row, Notification):
            frames.append(frame(row) | {"type": "changed"})
        elif frames and frames[-1]["type"] == "removed":
            frames[-1]["ids"].append(str(row.pk))
        else:
            frames.append({"type": "removed", "ids": [str(row.pk)]})
    return frames, (rows[-1].change or 0) if rows else up_to


def get_summary(*, user_id: UUID) -> Summary:
    """Returns the number of unread notifications, and the newest numbers."""
    head = list_heads(user_ids=[user_id]).get(user_id, Head())
    return Summary(unread=count_unread(user_id=user_id), seq=head.seq, change=head.change)


def count_unread(*, user_id: UUID) -> int:
    return Notification.objects.filter(user_id=user_id, read_at=None).count()


def list_heads(*, user_ids: Collection[UUID]) -> dict[UUID, Head]:
    """Returns the newest numbers of those users who have an inbox."""
    rows = Inbox.objects.filter(pk__in=user_ids).values_list("pk", "head", "changes")
    return {user_id: Head(seq, change) for user_id, seq, change in rows}


def get_inbox(*, user_id: UUID) -> Inbox:
    """Returns the preferences of a user; the defaults, unsaved, if they never chose."""
    return Inbox.objects.filter(pk=user_id).first() or Inbox(user_id=user_id)


def frame(notification: Notification) -> dict[str, Any]:
    """A notification as frames have it. REST returns the same but for `type`."""
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
