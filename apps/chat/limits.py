"""How often one person may do what costs others something: files, mails to strangers, notifications."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal
from uuid import UUID

from django.conf import settings

from apps.chat.exceptions import TooOften
from infrastructure.cache.ratelimit import Rate, limiter

Action = Literal["invitations", "uploads", "notices"]


def count(action: Action, user_id: UUID) -> None:
    """Count one. Raises TooOften when the person's limit is used up."""
    verdict = limiter.hit(
        scope=f"chat:{action}", key=str(user_id), rates=_parsed(tuple(settings.CHAT_LIMITS[action]))
    )
    if not verdict.allowed:
        raise TooOften(retry_after=verdict.retry_after)


def may(action: Action, user_id: UUID) -> bool:
    """Count one, where nobody waits for an answer; whether the limit still holds."""
    try:
        count(action, user_id)
    except TooOften:
        return False
    return True


@lru_cache(maxsize=64)
def _parsed(texts: tuple[str, ...]) -> tuple[Rate, ...]:
    return tuple(Rate.parse(text) for text in texts)
