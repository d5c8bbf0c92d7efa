"""The address of an account."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from apps.users import exceptions
from apps.users.models import EmailChange, User


def get_verified_address(*, user_id: UUID) -> str:
    """The address of an active account if it is verified; empty otherwise, also for an unknown id."""
    found = User.objects.filter(pk=user_id, is_active=True, email_verified_at__isnull=False)
    return found.values_list("email", flat=True).first() or ""


def get_user_by_verified_address(*, email: str) -> User:
    """The active account with this verified address, in its canonical form. Raises UserNotFound."""
    found = User.objects.existing().defer("password", "phone")
    user = found.filter(email=email, is_active=True, email_verified_at__isnull=False).first()
    if user is None:
        raise exceptions.UserNotFound
    return user


def find_email_change(*, user: User, now: datetime | None = None) -> EmailChange | None:
    """The pending change of address, or None."""
    return EmailChange.objects.filter(user=user, expires_at__gt=now or timezone.now()).first()
