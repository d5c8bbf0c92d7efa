"""Digests: one mail for each user and period about unread notifications, and the link to unsubscribe.

The row of the inbox has the period of the last one, written in the transaction that sends the mail (apps.common.mails): when
sending fails, nothing is written. Of two workers one sends, and the other does nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from apps.common import mails
from apps.common.exceptions import NotFound
from apps.notifications.exceptions import LinkUnusable
from apps.notifications.models import Digest, Inbox, Notification
from apps.users import selectors as users

SHOWN: Final = 20
_SALT: Final = "apps.notifications.unsubscribe"


def period_of(digest: str, now: datetime) -> str:
    """Returns the day or the ISO week of a time, in UTC."""
    if digest == Digest.WEEKLY:
        year, week, _ = now.isocalendar()
        return f"{year}-W{week:02}"
    return now.date().isoformat()


def due_for_digest(*, now: datetime | None = None, limit: int = 1000) -> list[UUID]:
    """Returns users with unread notifications after their last digest, and no digest in this period."""
    now = now or timezone.now()
    due = Q()
    for digest in (Digest.DAILY, Digest.WEEKLY):
        due |= Q(digest=digest) & ~Q(digested_for=period_of(digest, now))
    unread = Notification.objects.filter(
        user_id=OuterRef("pk"), read_at=None, seq__gt=OuterRef("digested_seq")
    )
    found = Inbox.objects.filter(due, Exists(unread), head__gt=F("digested_seq"))
    return list(found.order_by("pk").values_list("pk", flat=True)[:limit])


def send_digest(*, user_id: UUID, now: datetime | None = None) -> bool:
    """Send a user's digest if it is still due. Returns whether it was sent. Raises EmailDeliveryError."""
    now = now or timezone.now()
    with transaction.atomic():
        # Not the inbox: a mail takes seconds, in which the user could not be notified.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"notifications.digest:{user_id}"],
            )
            if cursor.fetchone() == (False,):
                return False
        inbox = Inbox.objects.filter(pk=user_id).exclude(digest=Digest.NEVER).first()
        if inbox is None or inbox.digested_for == (period := period_of(inbox.digest, now)):
            return False
        unread = Notification.objects.filter(
            user_id=user_id, read_at=None, seq__gt=inbox.digested_seq, seq__lte=inbox.head
        )
        count, shown = unread.count(), list(unread.order_by("-seq")[:SHOWN])
        if not shown:
            return False
        try:
            user = users.get_user(user_id=user_id)
        except NotFound:
            return False
        if not user.is_active or not user.is_verified:
            return False
        token = unsubscribe_token(user_id)
        mails.send_once(
            template="digest",
            cause=f"{user_id}.{period}",
            now=now,
            to=user.email,
            subject=f"{count} unread notification{'' if count == 1 else 's'}",
            context={
                "name": user.name,
                "site": settings.PUBLIC_URL,
                "shown": shown,
                "more": count - len(shown),
                "unsubscribe": f"{settings.PUBLIC_URL}/notifications/unsubscribe/?token={token}",
            },
            headers={
                # One-click unsubscription in mail programs (RFC 8058).
                "List-Unsubscribe": f"<{settings.PUBLIC_URL}/api/public/v1/notifications/unsubscribe/?token={token}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )
        inbox.digested_for, inbox.digested_seq = period, inbox.head
        inbox.save(update_fields=["digested_for", "digested_seq"])
    return True


def unsubscribe_token(user_id: UUID) -> str:
    """Returns the token of a digest's link. It unsubscribes the user and does not expire."""
    return signing.Signer(salt=_SALT).sign(str(user_id))


def read_unsubscribe_token(token: str) -> UUID | None:
    """Returns the user of a token; None for an invalid one."""
    try:
        return UUID(signing.Signer(salt=_SALT).unsign(token))
    except (signing.BadSignature, ValueError):
        return None


def unsubscribe(*, token: str) -> None:
    """Unsubscribe the user of a token from digests. Idempotent. Raises LinkUnusable."""
    user_id = read_unsubscribe_token(token)
    if user_id is None or not Inbox.objects.filter(pk=user_id).update(digest=Digest.NEVER):
        raise LinkUnusable
