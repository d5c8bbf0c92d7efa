"""Zone internal: services notify users."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.notifications import exceptions, services
from apps.notifications.models import BODY_LENGTH, KIND_LENGTH, LINK_LENGTH, TITLE_LENGTH, Notification
from apps.notifications.serializers import NotificationOutput

MAX_DATA: Final = 2_000
_KIND: Final = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z"


def _require_small(data: Mapping[str, Any]) -> None:
    if len(json.dumps(data)) > MAX_DATA:
        raise serializers.ValidationError(f"At most {MAX_DATA} characters of JSON.", code="data_too_large")


class NotifyView(View, tag="Notifications"):
    class NotifyInput(fields.Input):
        """A notification from a service."""

        user = fields.UUIDField(source="user_id")
        kind = fields.PatternField(_KIND, max_length=KIND_LENGTH, help_text="`<subject>.<event>`")
        title = fields.LineField(max_length=TITLE_LENGTH)
        body = fields.TextField(max_length=BODY_LENGTH, allow_blank=True, default="")
        link = fields.TextField(max_length=LINK_LENGTH, allow_blank=True, default="")
        data = serializers.DictField(  # type: ignore[assignment]  # a field's name
            child=serializers.JSONField(allow_null=True),
            required=False,
            validators=[_require_small],
            help_text="A few ids and codes, 2,000 characters at most.",
        )
        key = fields.TextField(
            max_length=120,
            required=False,
            help_text="Names the cause: the same key again makes no second notification.",
        )

    @operation(
        "notifications_notify",
        "Notify a user",
        body=NotifyInput,
        answers={201: NotificationOutput, 204: None},
        failures=[exceptions.RecipientNotFound, exceptions.InvalidLink],
    )
    def post(
        self,
        request: ApiRequest,
        *,
        user_id: UUID,
        kind: str,
        title: str,
        body: str,
        link: str,
        data: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Notification | None:
        """An empty 204 if the user has muted this kind."""
        return services.notify(
            user_id=user_id, kind=kind, title=title, body=body, link=link, data=data, key=key
        )


class PushEventView(View, tag="Notifications"):
    class PushInput(fields.Input):
        """An event for a user. It cannot pose as a frame of the protocols: its type is `event`."""

        name = fields.PatternField(_KIND, max_length=KIND_LENGTH, help_text="`<subject>.<event>`")
        data = serializers.DictField(  # type: ignore[assignment]  # a field's name
            child=serializers.JSONField(allow_null=True),
            required=False,
            validators=[_require_small],
            help_text="2,000 characters at most.",
        )
        user = fields.UUIDField(source="user_id")

    @operation(
        "notifications_push",
        "Push an event to a user's open sockets",
        body=PushInput,
        answers={202: "Sent to the sockets that are open; it is not stored."},
        failures=[exceptions.RecipientNotFound],
    )
    def post(
        self, request: ApiRequest, *, user_id: UUID, name: str, data: Mapping[str, Any] | None = None
    ) -> None:
        """A frame `{"type":"event","name","data"}` on every socket and stream of this user."""
        services.push_event(user_id=user_id, name=name, data=data)
