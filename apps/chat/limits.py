"""Rate limits of one user's actions: uploads, invitations, notifications."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from django.conf import settings

from apps.chat.exceptions import TooOften
from apps.common import rate_limits
from apps.common.rate_limits import Quota

Action = Literal["invitations", "uploads", "notices"]


def count(action: Action, user_id: UUID) -> None:
    """Count one use. Raises TooOften when the limit is used up."""
    quota = _count(action, user_id)
    if quota.is_exceeded:
        raise TooOften(quota=quota)


def may(action: Action, user_id: UUID) -> bool:
    """Count one use in the background. Returns False when the limit is used up."""
    return not _count(action, user_id).is_exceeded


def _count(action: Action, user_id: UUID) -> Quota:
    return rate_limits.count(
        scope=f"chat:{action}", key=str(user_id), rates=settings.CHAT_LIMITS[action], name=f"chat-{action}"
    )
