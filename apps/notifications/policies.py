"""Permissions: users read and change only their own notifications; those of others do not exist for them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q


def own(*, user_id: UUID) -> Q:
    return Q(user_id=user_id)
