"""The personal data of a user in this slice: memberships, messages, bans, files and invitations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from apps.chat.models import Attachment, Ban, Invitation, Membership, Message


def export(user_id: UUID) -> Mapping[str, Any]:
    """Returns each kind of data, oldest first."""
    return {
        "rooms": _rows(
            Membership.objects.filter(user_id=user_id).order_by("id"),
            *("role", "read_seq", "muted_until"),
            joined_at=F("created_at"),
            room_name=F("room__name"),
        ),
        "messages": _rows(
            Message.objects.filter(sender_id=user_id).order_by("created_at", "room_id", "seq"),
            *("id", "seq", "text", "created_at", "attachments"),
        ),
        "bans": _rows(Ban.objects.filter(user_id=user_id).order_by("id"), "created_at"),
        "files": _rows(
            Attachment.objects.filter(uploader_id=user_id, discarded_at=None).order_by("id"),
            *("id", "name", "type", "size", "created_at"),
        ),
        "invitations_sent": _rows(
            Invitation.objects.filter(invited_by_id=user_id).order_by("id"),
            *("email", "user_id", "created_at", "expires_at"),
        ),
    }


def _rows(queryset: QuerySet[Any], *fields: str, **named: F) -> Iterator[Any]:
    return queryset.values(*fields, **named, room_slug=F("room__slug")).iterator()
