"""Whose notifications are whose: what somebody was told is theirs alone, and to others it does not exist."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q


def own(*, user_id: UUID) -> Q:
    """The notifications that someone may read, and mark as read."""
    return Q(user_id=user_id)
