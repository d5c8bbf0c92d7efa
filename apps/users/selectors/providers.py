"""What links an account to outside providers."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.users.models import Identity, User


def list_identities(*, user: User) -> QuerySet[Identity]:
    """Who opens the account at outside providers, the newest first."""
    return Identity.objects.filter(user=user).order_by("-created_at", "-id")
