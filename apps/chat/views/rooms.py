"""Rooms, and what a service shows in one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.db.models import QuerySet
from rest_framework import serializers

from apps.chat import exceptions, selectors, services
from apps.chat.filters import RoomFilter
from apps.chat.models import SLUG_PATTERN, Room
from apps.chat.serializers import RoomOutput
from apps.chat.types import Language
from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation

MAX_EVENT: Final = 2_000


class RoomsView(View, tag="Rooms"):
    class RoomInput(fields.Input):
        """A new room."""

        slug = fields.PatternField(
            rf"^{SLUG_PATTERN}\Z",
            max_length=64,
            required=False,
            help_text="Derived from the name if left out.",
        )
        name = fields.LineField(max_length=80, help_text="In any script.")
        is_private = fields.BooleanField(default=False)
        language = serializers.ChoiceField(
            choices=Language.choices, required=False, help_text="The language of its search."
        )

    @operation("chat_rooms_list", "List rooms", page=RoomOutput, filters=RoomFilter)
    def get(self, request: ApiRequest) -> QuerySet[Room]:
        """Public rooms and your own, by slug, with your role and unread count."""
        return selectors.list_rooms(user_id=request.caller.user.pk)

    @operation(
        "chat_rooms_create",
        "Create a room",
        body=RoomInput,
        answers={201: RoomOutput},
        failures=[exceptions.SlugTaken, exceptions.TooManyRooms],
    )
    def post(
        self,
        request: ApiRequest,
        *,
        name: str,
        is_private: bool,
        slug: str | None = None,
        language: str | None = None,
    ) -> Room:
        """You become its owner."""
        actor_id = request.caller.user.pk
        room = services.create_room(
            actor_id=actor_id, name=name, slug=slug, is_private=is_private, language=language
        )
        return selectors.get_room_visible_to(user_id=actor_id, slug=room.slug)


class RoomView(View, tag="Rooms"):
    class RoomChangeInput(fields.Input):
        """The fields of a room to change."""

        name = fields.LineField(max_length=80, required=False)
        is_private = fields.BooleanField(required=False)
        language = serializers.ChoiceField(choices=Language.choices, required=False)

    @operation("chat_rooms_read", "Get a room", answers=RoomOutput, failures=[exceptions.RoomNotFound])
    def get(self, request: ApiRequest, slug: str) -> Room:
        """A public room, or one of your own."""
        return selectors.get_room_visible_to(user_id=request.caller.user.pk, slug=slug)

    @operation(
        "chat_rooms_edit",
        "Change a room",
        body=RoomChangeInput,
        answers=RoomOutput,
        failures=[*exceptions.ROLES_ONLY, exceptions.TooManyRooms],
    )
    def patch(
        self,
        request: ApiRequest,
        slug: str,
        *,
        name: str | None = None,
        is_private: bool | None = None,
        language: str | None = None,
    ) -> Room:
        """For owners: its name, who can see it, and the language of its search."""
        actor_id = request.caller.user.pk
        services.edit_room(actor_id=actor_id, slug=slug, name=name, is_private=is_private, language=language)
        return selectors.get_room_visible_to(user_id=actor_id, slug=slug)

    @operation(
        "chat_rooms_delete",
        "Delete a room",
        answers={204: "The room and its messages are deleted."},
        failures=exceptions.ROLES_ONLY,
    )
    def delete(self, request: ApiRequest, slug: str) -> None:
        """For owners."""
        services.delete_room(actor_id=request.caller.user.pk, slug=slug)


class PushEventView(View, tag="Messages"):
    class EventInput(fields.Input):
        """An event of a service. It cannot pose as a frame of the protocol: its type is `event`."""

        name = fields.PatternField(
            r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z",
            max_length=64,
            help_text="`<subject>.<event>`",
        )
        data = serializers.DictField(  # type: ignore[assignment]  # a field's name
            child=serializers.JSONField(allow_null=True),
            required=False,
            help_text="2,000 characters at most.",
        )

        def validate_data(self, data: dict[str, Any]) -> dict[str, Any]:
            if len(json.dumps(data)) > MAX_EVENT:
                raise serializers.ValidationError(f"At most {MAX_EVENT} characters of JSON.")
            return data

    @operation(
        "chat_room_events_push",
        "Push an event to a room's open sockets",
        body=EventInput,
        answers={202: "Sent to the sockets that are open; it is not stored."},
        failures=[exceptions.RoomNotFound],
    )
    def post(
        self, request: ApiRequest, slug: str, *, name: str, data: Mapping[str, Any] | None = None
    ) -> None:
        """A frame `{"type":"event","name","data"}` for every open socket in the room."""
        services.push_event(slug=slug, name=name, data=data)
