"""Deletes what is of no more use: tokens and sessions that have run out, and links that were never followed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from apps.users.models import EmailChange, OneTimeToken, ProviderSignIn, RefreshToken, Session

# People see in their list of sessions only live ones; those who look into an incident want the others for a while.
KEEP_ENDED: Final = timedelta(days=30)


def delete_expired(*, now: datetime | None = None) -> int:
    """Delete it. How many rows it were."""
    now = now or timezone.now()
    count = RefreshToken.objects.expired(now).delete()[0]
    count += ProviderSignIn.objects.filter(expires_at__lte=now).delete()[0]
    count += EmailChange.objects.filter(expires_at__lte=now).delete()[0]
    count += OneTimeToken.objects.filter(expires_at__lte=now - KEEP_ENDED).delete()[0]
    count += Session.objects.filter(expires_at__lte=now - KEEP_ENDED).delete()[0]
    return count + Session.objects.filter(ended_at__lte=now - KEEP_ENDED).delete()[0]
