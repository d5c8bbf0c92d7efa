"""Deletes expired tokens and sessions, unused links, and orphaned pictures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from apps.users.models import EmailChange, OneTimeToken, ProviderSignIn, RefreshToken, Session, User
from infrastructure import storage

# Users see only live sessions; ended ones are kept for a while for the investigation of incidents.
KEEP_ENDED: Final = timedelta(days=30)
ORPHANED_AFTER: Final = timedelta(days=1)


def delete_expired(*, now: datetime | None = None) -> int:
    """Delete expired rows. Returns their number."""
    now = now or timezone.now()
    count = RefreshToken.objects.expired(now).delete()[0]
    count += ProviderSignIn.objects.filter(expires_at__lte=now).delete()[0]
    count += EmailChange.objects.filter(expires_at__lte=now).delete()[0]
    count += OneTimeToken.objects.filter(expires_at__lte=now - KEEP_ENDED).delete()[0]
    count += Session.objects.filter(expires_at__lte=now - KEEP_ENDED).delete()[0]
    return count + Session.objects.filter(ended_at__lte=now - KEEP_ENDED).delete()[0]


def delete_orphaned_avatars(*, now: datetime | None = None) -> int:
    """Delete pictures that no account uses, a day after they were written, such as those of a process that died.

    Returns the number of files deleted. Raises StorageUnavailable.
    """
    return storage.sweep(
        before=(now or timezone.now()) - ORPHANED_AFTER,
        known=User.objects.exclude(avatar="").values_list("avatar", flat=True).iterator(),
    )
