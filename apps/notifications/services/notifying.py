"""Telling somebody something: stored first, numbered without gaps, each cause once; then on its way to open streams."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.common.exceptions import NotFound
from apps.notifications.exceptions import InvalidLink, RecipientNotFound
from apps.notifications.models import BODY_LENGTH, TITLE_LENGTH, Inbox, Notification
from apps.users import selectors as users
from infrastructure import realtime


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
            created_at=now or timezone.now(),
        )
        realtime.push(f"inbox:{user_id}", {"type": "notified", "seq": inbox.head})
    return notification


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
