"""Background work of the slice."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.db import OperationalError

from apps.chat import services


@shared_task(autoretry_for=(OperationalError,))
def forget_user(*, user_id: str) -> None:
    """End the memberships of an erased account. Done twice, the second time does nothing."""
    services.forget_user(user_id=UUID(user_id))


@shared_task(autoretry_for=(OperationalError,))
def announce(*, slug: str, text: str, client_id: str) -> None:
    """Post a system message, which reaches every open socket of the room. Done twice, it is one message."""
    services.post_system_message(slug=slug, text=text, client_id=UUID(client_id))
