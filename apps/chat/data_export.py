"""The personal data of a user in this slice: memberships, messages, bans, files and invitations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import F

from apps.chat.models import Attachment, Ban, Invitation, Membership, Message


def export(user_id: UUID) -> Mapping[str, Any]:
    """Returns each kind of data, oldest first."""
    return {
        "rooms": Membership.objects.filter(user_id=user_id)
        .order_by("id")
        .values(
            "role",
            "read_seq",
            "muted_until",
            joined_at=F("created_at"),
            room_slug=F("room__slug"),
            room_name=F("room__name"),
        )
        .iterator(),
        "messages": Message.objects.filter(sender_id=user_id)
        .order_by("created_at", "room_id", "seq")
        .values("id", "seq", "text", "created_at", "attachments", room_slug=F("room__slug"))
        .iterator(),
        "bans": Ban.objects.filter(user_id=user_id)
        .order_by("id")
        .values("created_at", room_slug=F("room__slug"))
        .iterator(),
        "files": Attachment.objects.filter(uploader_id=user_id, discarded_at=None)
        .order_by("id")
        .values("id", "name", "type", "size", "created_at", room_slug=F("room__slug"))
        .iterator(),
        "invitations_sent": Invitation.objects.filter(invited_by_id=user_id)
        .order_by("id")
        .values("email", "user_id", "created_at", "expires_at", room_slug=F("room__slug"))
        .iterator(),
    }
