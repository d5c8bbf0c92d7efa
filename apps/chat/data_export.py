"""The personal data of a user in this slice: memberships, messages, mutes, bans, files and invitations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet

from apps.chat.models import Attachment, Ban, Invitation, Membership, Message, Mute

NOT_PERSONAL: Final = {
    "state and order of a room's messages": (
        "Message.room",
        "Message.seq",
        "Message.language",
        "Message.deleted_at",
        "Message.change",
        "Message.changed_at_head",
    ),
    "identifies a repeated request": ("Message.client_id", "Message.sent_as"),
}
NOT_EXPORTED: Final = {
    "no more than the exported columns say": (
        "Attachment.updated_at",
        "Attachment.file",
        "Attachment.discarded_at",
        "Invitation.updated_at",
        "Membership.updated_at",
    ),
}
NOT_ERASED: Final = {
    "a deleted message keeps its place among those of others": (
        "Message.sender",
        "Message.reply_to",
        "Message.created_at",
        "Message.edited_at",
    ),
}


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
            *("id", "seq", "text", "created_at", "edited_at", "reply_to_id", "mentions", "attachments"),
        ),
        "mutes": _rows(Mute.objects.filter(user_id=user_id).order_by("id"), "until"),
        "bans": _rows(Ban.objects.filter(user_id=user_id).order_by("id"), "created_at"),
        "files": _rows(
            Attachment.objects.filter(uploader_id=user_id, discarded_at=None).order_by("id"),
            *("id", "name", "type", "size", "width", "height", "message_id", "created_at"),
        ),
        "invitations_sent": _rows(
            Invitation.objects.filter(invited_by_id=user_id).order_by("id"),
            *("email", "user_id", "created_at", "expires_at"),
        ),
    }


def _rows(queryset: QuerySet[Any], *fields: str, **named: F) -> Iterator[Any]:
    return queryset.values(*fields, **named, room_slug=F("room__slug")).iterator()
