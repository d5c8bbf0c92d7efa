"""Creating, changing and retracting notifications: stored and numbered first, then sent to open streams."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.common.exceptions import NotFound
from apps.notifications.exceptions import InvalidLink, RecipientNotFound
from apps.notifications.models import BODY_LENGTH, TITLE_LENGTH, Inbox, Notification, RemovedNotification
from apps.users import selectors as users
from infrastructure import realtime

_BATCH: Final = 500


def notify(
    *,
    user_id: UUID,
    kind: str,
    title: str,
    body: str = "",
    link: str = "",
    data: Mapping[str, Any] | None = None,
    key: str | None = None,
    about_id: UUID | None = None,
    scope: str | None = None,
    now: datetime | None = None,
) -> Notification | None:
    """Notify a user. Returns None when they have muted this kind.

    Args:
        kind: `<slice>.<kind>`, declared with `types.declare` so that users can mute it.
        title, body: Plain text, truncated to their lengths.
        link: A path of this site.
        data: A few ids and codes for clients.
        key: Identifies the cause: the same key again is the same notification.
        about_id: The user whom it names; it is deleted when their account is erased.
        scope: What the user must be able to read to keep it (`chat.room:<id>`), for `retract_scope`.

    Raises:
        RecipientNotFound: the account does not exist or is not active.
        InvalidLink: the link is not a path of this site.
    """
    if link and (not link.startswith("/") or link.startswith(("//", "/\\"))):
        raise InvalidLink
    _require_recipient(user_id)
    with transaction.atomic():
        Inbox.objects.get_or_create(user_id=user_id)
        # The lock makes the order of commits the order of numbers, so that `?after=` misses nothing.
        inbox = Inbox.objects.select_for_update(no_key=True).get(pk=user_id)
        if kind in inbox.muted_kinds:
            return None
        if key is not None:
            known = Notification.objects.filter(user_id=user_id, key=key).first()
            if known is not None:
                return known
        inbox.head += 1
        inbox.save(update_fields=["head"])
        notification = Notification.objects.create(
            user_id=user_id,
            seq=inbox.head,
            kind=kind,
            title=title[:TITLE_LENGTH],
            body=body[:BODY_LENGTH],
            link=link,
            data=dict(data or {}),
            key=key,
            about_id=about_id,
            scope=scope,
            created_at=now or timezone.now(),
        )
        _nudge(user_id)
    return notification


def revise(*, key: str, body: str, keep: Collection[UUID]) -> None:
    """Give the notifications of a cause another text, and retract those of users outside `keep`."""
    with transaction.atomic():
        found = Notification.objects.filter(key=key)
        inboxes = _lock_inboxes(found)
        delete(found.exclude(user_id__in=keep))
        changed = found.exclude(body=body[:BODY_LENGTH]).order_by("pk")
        for notification in changed.select_for_update(no_key=True):
            inbox = inboxes[notification.user_id]
            inbox.changes += 1
            inbox.save(update_fields=["changes"])
            notification.body = body[:BODY_LENGTH]
            notification.change, notification.changed_at_head = inbox.changes, inbox.head
            notification.save(update_fields=["body", "change", "changed_at_head", "updated_at"])
            _nudge(inbox.pk)


def retract(*, keys: Collection[str]) -> None:
    """Delete the notifications of causes that no longer exist, such as a deleted message."""
    with transaction.atomic():
        delete(Notification.objects.filter(key__in=keys))


def retract_scope(*, scope: str, user_id: UUID | None = None) -> None:
    """Delete the notifications that quote what a user, or every user, may no longer read."""
    found = Notification.objects.filter(scope=scope)
    if user_id is not None:
        found = found.filter(user_id=user_id)
    _delete_all(found)


def retract_slice(*, label: str) -> None:
    """Delete the notifications of a slice that was removed, and its kinds from preferences.

    Nothing follows their links, or keeps their texts up to date.
    """
    own = f"{label}."
    _delete_all(Notification.objects.filter(kind__startswith=own))
    for user_id in Inbox.objects.exclude(muted_kinds=[]).values_list("pk", flat=True).iterator():
        with transaction.atomic():
            inbox = Inbox.objects.select_for_update(no_key=True).get(pk=user_id)
            inbox.muted_kinds = [kind for kind in inbox.muted_kinds if not kind.startswith(own)]
            inbox.save(update_fields=["muted_kinds"])


def _delete_all(found: QuerySet[Notification]) -> None:
    while batch := list(found.values_list("pk", flat=True)[:_BATCH]):
        with transaction.atomic():
            delete(Notification.objects.filter(pk__in=batch))


def delete(notifications: QuerySet[Notification]) -> None:
    """Delete notifications, number their removals and tell the open streams, in the caller's transaction."""
    inboxes = _lock_inboxes(notifications)
    removed = []
    for notification in notifications.filter(user_id__in=inboxes).order_by("seq"):
        inbox = inboxes[notification.user_id]
        inbox.changes += 1
        removed.append(
            RemovedNotification(
                id=notification.pk,
                user_id=inbox.pk,
                seq=notification.seq,
                change=inbox.changes,
                changed_at_head=inbox.head,
            )
        )
    Inbox.objects.bulk_update(inboxes.values(), ["changes"])
    RemovedNotification.objects.bulk_create(removed)
    Notification.objects.filter(pk__in=[row.pk for row in removed]).delete()
    for user_id in inboxes:
        _nudge(user_id)


def _lock_inboxes(notifications: QuerySet[Notification]) -> dict[UUID, Inbox]:
    """Lock the inboxes of these notifications, in the order of ids, so that two transactions never wait for each other."""
    user_ids = list(notifications.order_by().values_list("user_id", flat=True))
    inboxes = Inbox.objects.filter(pk__in=user_ids).order_by("pk").select_for_update(no_key=True)
    return {inbox.pk: inbox for inbox in inboxes}


def _nudge(user_id: UUID) -> None:
    """Have the open streams of a user read what is new in the list."""
    realtime.push(f"inbox:{user_id}", {"type": "notified"})


def push_event(*, user_id: UUID, name: str, data: Mapping[str, Any] | None = None) -> None:
    """Send an event to the open sockets and streams of a user. It is not stored. Raises RecipientNotFound."""
    _require_recipient(user_id)
    realtime.push_to_user(user_id, {"type": "event", "name": name, "data": dict(data or {})})


def _require_recipient(user_id: UUID) -> None:
    try:
        user = users.get_user(user_id=user_id)
    except NotFound:
        raise RecipientNotFound from None
    if not user.is_active:
        raise RecipientNotFound
