"""The REST shapes of rooms, members and messages: what comes in, and what goes out. No rules."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.chat.models import MAX_TEXT, SLUG_PATTERN, Role, Room
from apps.common import inputs


class RoomInput(serializers.Serializer[Any]):
    """A new room."""

    slug = serializers.RegexField(rf"^{SLUG_PATTERN}\Z", max_length=64)
    name = inputs.TextField(max_length=80)
    is_private = inputs.BooleanField(default=False)


class RoomChangeInput(serializers.Serializer[Any]):
    """What may change about a room."""

    name = inputs.TextField(max_length=80, required=False)
    is_private = inputs.BooleanField(required=False)


class RoomOutput(serializers.Serializer[Room]):
    """A room as one person sees it. `role` is null and `unread` 0 for those who are not in it."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    is_private = serializers.BooleanField()
    role = serializers.ChoiceField(choices=Role.choices, source="my_role", allow_null=True)
    seq = serializers.IntegerField(source="head", help_text="Number of the newest message.")
    read_seq = serializers.IntegerField(source="my_read_seq", allow_null=True)
    unread = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_unread(self, room: Any) -> int:
        """How many messages came after the newest that was read."""
        return 0 if room.my_read_seq is None else max(0, room.head - room.my_read_seq)


class MemberInput(serializers.Serializer[Any]):
    """Someone to bring in, or whose role to change."""

    user = inputs.UUIDField()
    role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)


class MemberOutput(serializers.Serializer[Any]):
    """Someone in a room."""

    user = serializers.UUIDField(source="user_id")
    name = serializers.CharField(source="user.name")
    role = serializers.ChoiceField(choices=Role.choices)
    read_seq = serializers.IntegerField()
    joined_at = serializers.DateTimeField(source="created_at")


class MessageInput(serializers.Serializer[Any]):
    """A message to post. The same `client_id` again is the same message."""

    message = inputs.TextField(max_length=MAX_TEXT)
    client_id = inputs.UUIDField(required=False)


class MessageChangeInput(serializers.Serializer[Any]):
    """Other words for a message."""

    required_in_patch = True  # for the schema: they may not be left out
    message = inputs.TextField(max_length=MAX_TEXT)


class MessageOutput(serializers.Serializer[Any]):
    """A message, with the names that frames on the socket have. `from` is null for the system."""

    def get_fields(self) -> dict[str, Any]:
        """Declared here because one of them is called `from`."""
        return {
            "id": serializers.UUIDField(),
            "seq": serializers.IntegerField(),
            "message": serializers.CharField(source="text"),
            "from": serializers.UUIDField(source="sender_id", allow_null=True),
            "from_name": serializers.CharField(source="sender_name"),
            "at": serializers.DateTimeField(),
            "client_id": serializers.UUIDField(),
            "edited_at": serializers.DateTimeField(allow_null=True),
            "deleted": serializers.BooleanField(source="is_deleted"),
        }
