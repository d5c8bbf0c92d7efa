"""The REST shapes of notifications: what comes in, and what goes out. No rules."""

from __future__ import annotations

import json
from typing import Any, Final

from rest_framework import serializers

from apps.common.http import fields
from apps.notifications.models import (
    BODY_LENGTH,
    KIND_LENGTH,
    LINK_LENGTH,
    TITLE_LENGTH,
    Digest,
    Inbox,
    Notification,
)
from apps.notifications.types import declared_kinds

MAX_DATA: Final = 2_000
TOKEN_LENGTH: Final = 200
KIND: Final = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z"


def _bounded(data: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(data)) > MAX_DATA:
        raise serializers.ValidationError(f"At most {MAX_DATA} characters of JSON.", code="data_too_large")
    return data


# An event of the stream as OpenAPI tools see it: its fields, as they are written (WHATWG HTML, section 9.2).
STREAMED: Final = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["welcome", "notification", "unread", "event", "end"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string"},
    },
}


class NotificationOutput(serializers.Serializer[Notification]):
    """Something that one was told, with the names that frames have. `link` is a path of this site, or empty."""

    id = serializers.UUIDField()
    seq = serializers.IntegerField(help_text="Ascending without gaps for each person.")
    kind = serializers.CharField(help_text="What it is about, as `<slice>.<what>`.")
    title = serializers.CharField()
    body = serializers.CharField()
    link = serializers.CharField()
    data = serializers.DictField(child=serializers.JSONField())  # type: ignore[assignment]  # a field's name
    at = serializers.DateTimeField(source="created_at")
    read = serializers.SerializerMethodField()

    def get_read(self, notification: Notification) -> bool:
        """Whether it was read."""
        return notification.read_at is not None


class SummaryOutput(serializers.Serializer[Any]):
    """How much is unread, and the number of the newest one."""

    unread = serializers.IntegerField()
    seq = serializers.IntegerField()


class ReadAllInput(fields.Input):
    """Which are read: all, or those up to a number."""

    up_to = serializers.IntegerField(min_value=0, max_value=2**63 - 1, required=False)


class KindOutput(serializers.Serializer[Any]):
    """A kind of notification that there is."""

    code = serializers.CharField()
    title = serializers.CharField()


class PreferencesInput(fields.Input):
    """What one wants to hear of; what is left out stays."""

    digest = serializers.ChoiceField(choices=Digest.choices, required=False)
    muted_kinds = serializers.ListField(
        child=fields.TextField(max_length=KIND_LENGTH), max_length=100, required=False
    )

    def validate_muted_kinds(self, codes: list[str]) -> list[str]:
        """Only kinds that there are."""
        if unknown := set(codes) - {kind.code for kind in declared_kinds()}:
            raise serializers.ValidationError(f"There is no kind {min(unknown)!r}.", code="kind_unknown")
        return codes


class PreferencesOutput(serializers.Serializer[Inbox]):
    """What one wants to hear of, and what there is to choose from."""

    digest = serializers.ChoiceField(choices=Digest.choices)
    muted_kinds = serializers.ListField(child=serializers.CharField())
    kinds = serializers.SerializerMethodField()

    def get_kinds(self, inbox: Inbox) -> list[dict[str, str]]:
        """Every kind that the slices declare."""
        return [{"code": kind.code, "title": kind.title} for kind in declared_kinds()]


class UnsubscribeInput(fields.Input):
    """The token of a digest's link."""

    token = fields.TextField(max_length=TOKEN_LENGTH)


class NotifyInput(fields.Input):
    """What a service tells a person."""

    user = fields.UUIDField()
    kind = fields.PatternField(KIND, max_length=KIND_LENGTH, help_text="`<what it is of>.<what happened>`")
    title = fields.TextField(max_length=TITLE_LENGTH)
    body = fields.TextField(max_length=BODY_LENGTH, allow_blank=True, default="")
    link = fields.TextField(max_length=LINK_LENGTH, allow_blank=True, default="")
    data = serializers.DictField(  # type: ignore[assignment]  # a field's name
        child=serializers.JSONField(allow_null=True),
        required=False,
        help_text="A few ids and codes, 2,000 characters at most.",
    )
    key = fields.TextField(
        max_length=120, required=False, help_text="Names the cause: told again, it stays one notification."
    )

    def validate_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """A few ids and codes, not a document."""
        return _bounded(data)


class EventInput(fields.Input):
    """An event of a service's own making. Frames of the protocols cannot be forged with it: its type is `event`."""

    name = fields.PatternField(KIND, max_length=KIND_LENGTH, help_text="`<what it is of>.<what happened>`")
    data = serializers.DictField(  # type: ignore[assignment]  # a field's name
        child=serializers.JSONField(allow_null=True),
        required=False,
        help_text="2,000 characters at most.",
    )

    def validate_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """A few ids and codes, not a document."""
        return _bounded(data)


class PushInput(EventInput):
    """An event for a person."""

    user = fields.UUIDField()
