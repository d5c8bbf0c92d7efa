"""What this slice keeps about a person: the rooms they are in, and what they have said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import F

from apps.chat.models import Membership, Message


def export(user_id: UUID) -> Mapping[str, Any]:
    """Memberships and messages, the oldest first."""
    return {
        "rooms": Membership.objects.filter(user_id=user_id)
        .order_by("id")
        .values(
            "role",
            "read_seq",
            joined_at=F("created_at"),
            room_slug=F("room__slug"),
            room_name=F("room__name"),
        )
        .iterator(),
        "messages": Message.objects.filter(sender_id=user_id)
        .order_by("created_at", "room_id", "seq")
        .values("id", "seq", "text", "created_at", "attachments", room_slug=F("room__slug"))
        .iterator(),
    }
