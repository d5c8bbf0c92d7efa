"""Telling somebody something: stored first, numbered without gaps, each cause once; then on its way to open streams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.common.exceptions import NotFound
from apps.notifications import selectors
from apps.notifications.exceptions import InvalidLink, RecipientNotFound
from apps.notifications.models import BODY_LENGTH, TITLE_LENGTH, Inbox, Notification
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
    """Tell a person something; None when they do not want to hear of this kind.

    Args:
        kind: `<slice>.<what>`; declare it with `types.declare`, so that people can choose.
        title, body: Plain text, cut to their lengths.
        link: Where it leads, a path of this site.
        data: A few ids and codes for clients.
        key: Names the cause: told again under the same key, it stays one notification.
        about_id: The person whose name it holds; when they are erased, it goes.
        scope: What the user must be able to read to keep it (`chat.room:<id>`), for `retract`.

    Raises:
        RecipientNotFound: there is no such account, or it is not active.
        InvalidLink: the link leads to another site.
    """
    if link and (not link.startswith("/") or link.startswith(("//", "/\\"))):
        raise InvalidLink
    _require_recipient(user_id)
    with transaction.atomic():
        Inbox.objects.get_or_create(user_id=user_id)
        # The lock makes the order of commits the order of numbers, so "after 7" misses nothing.
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
        realtime.push(f"inbox:{user_id}", {"type": "notified", "seq": inbox.head})
    return notification


def revise(*, key: str, body: str, keep: Collection[UUID]) -> None:
    """Give the notifications of a cause another text, and retract those of users outside `keep`."""
    with transaction.atomic():
        told = Notification.objects.filter(key=key)
        delete(told.exclude(user_id__in=keep))
        for notification in told.select_for_update(no_key=True).order_by("pk"):
            if notification.body != body[:BODY_LENGTH]:
                notification.body = body[:BODY_LENGTH]
                notification.save(update_fields=["body", "updated_at"])
                at = notification.created_at.isoformat().replace("+00:00", "Z")
                frame = selectors.frame(notification) | {"type": "changed", "at": at}
                realtime.push(f"inbox:{notification.user_id}", frame)


def retract(*, keys: Collection[str]) -> None:
    """Delete the notifications of causes that are gone, such as a message that was deleted."""
    with transaction.atomic():
        delete(Notification.objects.filter(key__in=keys))


def retract_scope(*, scope: str, user_id: UUID | None = None) -> None:
    """Delete the notifications that quote what a user, or everyone, may no longer read."""
    found = Notification.objects.filter(scope=scope)
    if user_id is not None:
        found = found.filter(user_id=user_id)
    while batch := list(found.values_list("pk", flat=True)[:_BATCH]):
        with transaction.atomic():
            delete(Notification.objects.filter(pk__in=batch))


def delete(notifications: QuerySet[Notification]) -> None:
    """Delete notifications and tell the open streams of their users; in the caller's transaction."""
    gone: defaultdict[UUID, list[str]] = defaultdict(list)
    for user_id, id_ in notifications.order_by().values_list("user_id", "pk"):
        gone[user_id].append(str(id_))
    Notification.objects.filter(pk__in=[id_ for ids in gone.values() for id_ in ids]).delete()
    for user_id, ids in gone.items():
        realtime.push(f"inbox:{user_id}", {"type": "removed", "ids": ids})
        realtime.push(
            f"inbox:{user_id}", {"type": "unread", "unread": selectors.count_unread(user_id=user_id)}
        )


def push_event(*, user_id: UUID, name: str, data: Mapping[str, Any] | None = None) -> None:
    """Show a person something on every socket and stream that is open now; it is not kept. Raises RecipientNotFound."""
    _require_recipient(user_id)
    realtime.push_to_user(user_id, {"type": "event", "name": name, "data": dict(data or {})})


def _require_recipient(user_id: UUID) -> None:
    try:
        user = users.get_user(user_id=user_id)
    except NotFound:
        raise RecipientNotFound from None
    if not user.is_active:
        raise RecipientNotFound
