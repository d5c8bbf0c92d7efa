"""Representations of rooms, members, messages and files that several views share."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.chat.models import Role, Room
from apps.chat.types import Language


class RoomOutput(serializers.Serializer[Room]):
    """A room as the caller sees it. `role` is null and `unread` 0 unless the caller is a member."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    is_private = serializers.BooleanField()
    language = serializers.ChoiceField(choices=Language.choices)
    role = serializers.ChoiceField(choices=Role.choices, source="my_role", allow_null=True)
    seq = serializers.IntegerField(source="head", help_text="Number of the newest message.")
    change = serializers.IntegerField(source="changes", help_text="Number of the newest edit or deletion.")
    read_seq = serializers.IntegerField(source="my_read_seq", allow_null=True)
    unread = serializers.IntegerField(
        read_only=True, help_text="Number of messages above `read_seq` that were not deleted."
    )
    muted_until = serializers.DateTimeField(
        source="my_muted_until", allow_null=True, help_text="Until then you can read but not post."
    )
    created_at = serializers.DateTimeField()


class MemberOutput(serializers.Serializer[Any]):
    """A member of a room."""

    user = serializers.UUIDField(source="user_id")
    name = serializers.CharField(source="user.name")
    role = serializers.ChoiceField(choices=Role.choices)
    read_seq = serializers.IntegerField()
    muted_until = serializers.DateTimeField(allow_null=True)
    joined_at = serializers.DateTimeField(source="created_at")


class QuoteOutput(serializers.Serializer[Any]):
    """The beginning of the message that this one replies to; empty after that was deleted."""

    def get_fields(self) -> dict[str, Any]:
        # Not class attributes, because one of them is called `from`.
        return {
            "id": serializers.UUIDField(),
            "seq": serializers.IntegerField(),
            "message": serializers.CharField(source="text"),
            "from": serializers.UUIDField(source="sender_id", allow_null=True),
            "from_name": serializers.CharField(source="sender_name"),
            "deleted": serializers.BooleanField(source="is_deleted"),
        }


class AttachmentOutput(serializers.Serializer[Any]):
    """A file. `type` is detected from its content; `width` and `height` in pixels, of images only."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)


class MentionOutput(serializers.Serializer[Any]):
    """A member named as `<@user>` in the text."""

    user = serializers.UUIDField(source="user_id")
    name = serializers.CharField()


class MessageOutput(serializers.Serializer[Any]):
    """A message, with the names that frames on the socket have. `from` is null for the system."""

    def get_fields(self) -> dict[str, Any]:
        # Not class attributes, because one of them is called `from`.
        return {
            "id": serializers.UUIDField(),
            "seq": serializers.IntegerField(),
            "message": serializers.CharField(source="text"),
            "from": serializers.UUIDField(source="sender_id", allow_null=True),
            "from_name": serializers.CharField(source="sender_name"),
            "at": serializers.DateTimeField(),
            "client_id": serializers.UUIDField(),
            "change": serializers.IntegerField(
                allow_null=True, help_text="Number of the last edit, or of the deletion."
            ),
            "edited_at": serializers.DateTimeField(allow_null=True),
            "deleted": serializers.BooleanField(source="is_deleted"),
            "reply_to": QuoteOutput(allow_null=True),
            "attachments": AttachmentOutput(many=True),
            "mentions": MentionOutput(many=True),
        }
