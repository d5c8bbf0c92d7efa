"""The REST shapes of rooms, members and messages: what comes in, and what goes out. No rules."""

from __future__ import annotations

import json
from typing import Any, Final

from rest_framework import serializers

from apps.chat.models import MAX_TEXT, SLUG_PATTERN, Language, Role, Room
from apps.chat.protocol import MAX_ATTACHMENTS
from apps.common.http import fields

MAX_EVENT: Final = 2_000


class RoomInput(fields.Input):
    """A new room."""

    slug = fields.PatternField(
        rf"^{SLUG_PATTERN}\Z", max_length=64, required=False, help_text="Without one it is made of the name."
    )
    name = fields.TextField(max_length=80, help_text="In any script.")
    is_private = fields.BooleanField(default=False)
    language = serializers.ChoiceField(
        choices=Language.choices, required=False, help_text="Whose rules its search goes by."
    )


class RoomChangeInput(fields.Input):
    """What may change about a room."""

    name = fields.TextField(max_length=80, required=False)
    is_private = fields.BooleanField(required=False)
    language = serializers.ChoiceField(choices=Language.choices, required=False)


class RoomOutput(serializers.Serializer[Room]):
    """A room as one person sees it. `role` is null and `unread` 0 for those who are not in it."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    is_private = serializers.BooleanField()
    language = serializers.ChoiceField(choices=Language.choices)
    role = serializers.ChoiceField(choices=Role.choices, source="my_role", allow_null=True)
    seq = serializers.IntegerField(source="head", help_text="Number of the newest message.")
    read_seq = serializers.IntegerField(source="my_read_seq", allow_null=True)
    unread = serializers.IntegerField(
        read_only=True, help_text="Number of messages above `read_seq` that were not deleted."
    )
    muted_until = serializers.DateTimeField(
        source="my_muted_until", allow_null=True, help_text="Until then you may read and not speak."
    )
    created_at = serializers.DateTimeField()


class MemberInput(fields.Input):
    """Someone to bring in, or whose role to change."""

    user = fields.UUIDField()
    role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)


class RoleInput(fields.Input):
    """Another role for a member."""

    role = serializers.ChoiceField(choices=Role.choices)


class MuteInput(fields.Input):
    """How long someone may not speak: one of both."""

    seconds = serializers.IntegerField(min_value=1, max_value=366 * 86_400, required=False)
    until = serializers.DateTimeField(required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """One of both."""
        if len(data) != 1:
            raise serializers.ValidationError("Give either seconds or until.")
        return data


class ReadInput(fields.Input):
    """How far one has read."""

    seq = serializers.IntegerField(min_value=0, max_value=2**63 - 1)


class MemberOutput(serializers.Serializer[Any]):
    """Someone in a room."""

    user = serializers.UUIDField(source="user_id")
    name = serializers.CharField(source="user.name")
    role = serializers.ChoiceField(choices=Role.choices)
    read_seq = serializers.IntegerField()
    muted_until = serializers.DateTimeField(allow_null=True)
    joined_at = serializers.DateTimeField(source="created_at")


class BanInput(fields.Input):
    """Someone to keep out."""

    user = fields.UUIDField()


class BanOutput(serializers.Serializer[Any]):
    """Someone who may not come into a room."""

    user = serializers.UUIDField(source="user_id")
    name = serializers.CharField(source="user.name")
    banned_at = serializers.DateTimeField(source="created_at")


class MessageInput(fields.Input):
    """A message to post. The same `client_id` again is the same message. With files it may be without text."""

    message = fields.TextField(max_length=MAX_TEXT, allow_blank=True, default="")
    client_id = fields.UUIDField(required=False)
    reply_to = fields.UUIDField(required=False, allow_null=True, help_text="A message of this room.")
    attachments = serializers.ListField(
        child=fields.UUIDField(),
        max_length=MAX_ATTACHMENTS,
        required=False,
        help_text="What you uploaded to this room, each for one message.",
    )


class SystemMessageInput(fields.Input):
    """A message of the system. The same `client_id` again is the same message."""

    message = fields.TextField(max_length=MAX_TEXT)
    client_id = fields.UUIDField(required=False)


class MessageChangeInput(fields.Input):
    """Other words for a message."""

    message = fields.TextField(max_length=MAX_TEXT)


class QuoteOutput(serializers.Serializer[Any]):
    """The beginning of the message that is replied to; empty when that was deleted."""

    def get_fields(self) -> dict[str, Any]:
        """Declared here because one of them is called `from`."""
        return {
            "id": serializers.UUIDField(),
            "seq": serializers.IntegerField(),
            "message": serializers.CharField(source="text"),
            "from": serializers.UUIDField(source="sender_id", allow_null=True),
            "from_name": serializers.CharField(source="sender_name"),
            "deleted": serializers.BooleanField(source="is_deleted"),
        }


class AttachmentOutput(serializers.Serializer[Any]):
    """A file. `type` was found by its content; `width` and `height` in pixels, of images only."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)


class MentionOutput(serializers.Serializer[Any]):
    """A member whom the text names as `<@user>`."""

    user = serializers.UUIDField(source="user_id")
    name = serializers.CharField()


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
            "reply_to": QuoteOutput(allow_null=True),
            "attachments": AttachmentOutput(many=True),
            "mentions": MentionOutput(many=True),
        }


class SearchInput(fields.Input):
    """What is looked for, as in a search engine: words, "phrases", or, -without."""

    q = fields.TextField(max_length=200)


class PieceOutput(serializers.Serializer[Any]):
    """A piece of a snippet. Plain text: what it means in HTML is up to whoever shows it."""

    text = serializers.CharField()
    match = serializers.BooleanField(help_text="Whether it was looked for.")


class FoundOutput(MessageOutput):
    """A message that was found."""

    def get_fields(self) -> dict[str, Any]:
        """Those of a message, and where the words stand in it."""
        return {**super().get_fields(), "snippet": PieceOutput(many=True)}


class PersonOutput(serializers.Serializer[Any]):
    """Someone who shares a room with the caller."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class FileInput(fields.Input):
    """A file to upload, as multipart/form-data."""

    file = serializers.FileField(max_length=255)


class InvitationInput(fields.Input):
    """Whom to invite: an address, or an account by its id."""

    email = serializers.EmailField(max_length=254, required=False)
    user = fields.UUIDField(required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """One of both."""
        if len(data) != 1:
            raise serializers.ValidationError("Give either email or user.")
        return data


class InvitationOutput(serializers.Serializer[Any]):
    """An invitation as those see it who invite: as it was written, whether or not there is such an account."""

    id = serializers.UUIDField()
    email = serializers.CharField(allow_null=True)
    user = serializers.UUIDField(source="user_id", allow_null=True)
    invited_by = serializers.UUIDField(source="invited_by_id")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class MyInvitationOutput(serializers.Serializer[Any]):
    """An invitation as the one sees it who is invited."""

    id = serializers.UUIDField()
    room = serializers.CharField(source="room.slug")
    room_name = serializers.CharField(source="room.name")
    invited_by = serializers.UUIDField(source="invited_by_id")
    invited_by_name = serializers.CharField(source="invited_by.name")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class EventInput(fields.Input):
    """An event of a service's own making. Frames of the protocol cannot be forged with it: its type is `event`."""

    name = fields.PatternField(
        r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z", max_length=64, help_text="`<what it is of>.<what happened>`"
    )
    data = serializers.DictField(  # type: ignore[assignment]  # a field's name
        child=serializers.JSONField(allow_null=True),
        required=False,
        help_text="2,000 characters at most.",
    )

    def validate_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """A few ids and codes, not a document."""
        if len(json.dumps(data)) > MAX_EVENT:
            raise serializers.ValidationError(f"At most {MAX_EVENT} characters of JSON.")
        return data
