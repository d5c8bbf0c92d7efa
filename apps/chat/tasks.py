"""Background work of the slice."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import OperationalError

from apps.chat import services
from infrastructure.email import EmailDeliveryError

SCHEDULE: dict[str, dict[str, Any]] = {
    "chat.delete-discarded-files": {
        "task": "apps.chat.tasks.delete_discarded_files",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "chat.delete-expired": {
        "task": "apps.chat.tasks.delete_expired",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
}


@shared_task(autoretry_for=(OperationalError,))
def forget_user(*, user_id: str) -> None:
    """End the memberships of an erased account. Done twice, the second time does nothing."""
    services.forget_user(user_id=UUID(user_id))


@shared_task(autoretry_for=(OperationalError,))
def announce(*, slug: str, text: str, client_id: str) -> None:
    """Post a system message, which reaches every open socket of the room. Done twice, it is one message."""
    services.post_system_message(slug=slug, text=text, client_id=UUID(client_id))


@shared_task(autoretry_for=(OSError, OperationalError))
def delete_discarded_files() -> None:
    """Files of deleted messages and rooms, and those that were uploaded and never posted."""
    services.delete_discarded_files()


@shared_task(autoretry_for=(OperationalError,))
def index_messages(*, room_id: str) -> None:
    """Bring what was said in a room in step with its language. Done twice, the second time does nothing."""
    services.index_messages(room_id=UUID(room_id))


@shared_task(autoretry_for=(OperationalError,))
def tell_of_message(*, room_id: str, message_id: str) -> None:
    """Tell those whom a message names or answers. Done twice, they were told once."""
    services.tell_of_message(room_id=UUID(room_id), message_id=UUID(message_id))


@shared_task(autoretry_for=(OperationalError,))
def tell_of_membership(*, room_id: str, user_id: str, actor_id: str) -> None:
    """Tell someone that they were brought into a room. Done twice, they were told once."""
    services.tell_of_membership(room_id=UUID(room_id), user_id=UUID(user_id), actor_id=UUID(actor_id))


@shared_task(autoretry_for=(EmailDeliveryError, OperationalError))
def tell_of_invitation(*, invitation_id: str) -> None:
    """Tell the one who is invited. Done twice, the mail is sent twice, and the notification is one."""
    services.tell_of_invitation(invitation_id=UUID(invitation_id))


@shared_task(autoretry_for=(OperationalError,))
def delete_expired() -> None:
    """Invitations that nobody has followed in time, and mutes that are over."""
    services.delete_expired()


@shared_task(autoretry_for=(OperationalError,))
def retract_room(*, room_id: str) -> None:
    """Delete the notifications that quote a room which was deleted. Idempotent."""
    services.retract_room(room_id=UUID(room_id))
