"""Deletes what is of no more use: expired tokens and sessions, links that were never followed, pictures of nobody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from apps.users.models import EmailChange, OneTimeToken, ProviderSignIn, RefreshToken, Session, User
from infrastructure import storage

# People see in their list of sessions only live ones; those who look into an incident want the others for a while.
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
    """Delete pictures that no account shows, a day after they were written: what a process that died left behind.

    Returns the number of files deleted. Raises StorageUnavailable.
    """
    return storage.sweep(
        before=(now or timezone.now()) - ORPHANED_AFTER,
        known=User.objects.exclude(avatar="").values_list("avatar", flat=True).iterator(),
    )
