"""Mutes and bans of a room."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers

from apps.chat import exceptions, selectors, services
from apps.chat.models import Ban, Membership
from apps.chat.serializers import MemberOutput
from apps.common.http import fields
from apps.common.http.operation import Answer, ApiRequest, View, operation


class MuteView(View, tag="Members"):
    class MuteInput(fields.Input):
        """The end of the mute: exactly one of both."""

        seconds = serializers.IntegerField(min_value=1, max_value=366 * 86_400, required=False)
        until = serializers.DateTimeField(required=False)

        def validate(self, data: dict[str, Any]) -> dict[str, Any]:
            if len(data) != 1:
                raise serializers.ValidationError("Give either seconds or until.")
            return data

    @operation(
        "chat_members_mute",
        "Mute a member for a time",
        body=MuteInput,
        answers=MemberOutput,
        failures=[*exceptions.ROLES_ONLY, exceptions.MemberNotFound, exceptions.InvalidMute],
    )
    def post(
        self,
        request: ApiRequest,
        slug: str,
        user_id: UUID,
        *,
        seconds: int | None = None,
        until: datetime | None = None,
    ) -> Membership:
        """A member below you, who can then read but not post. Calling it again sets a new time."""
        now = timezone.now()
        return services.mute_member(
            actor_id=request.caller.user.pk,
            slug=slug,
            user_id=user_id,
            until=until or now + timedelta(seconds=seconds or 0),
            now=now,
        )

    @operation(
        "chat_members_unmute",
        "Unmute a member",
        answers={204: "The member can post again."},
        failures=[*exceptions.ROLES_ONLY, exceptions.MemberNotFound],
    )
    def delete(self, request: ApiRequest, slug: str, user_id: UUID) -> None:
        """A member below you."""
        services.unmute_member(actor_id=request.caller.user.pk, slug=slug, user_id=user_id)


class BanOutput(serializers.Serializer[Any]):
    """A user who is banned from a room."""

    user = serializers.UUIDField(source="user_id")
    name = serializers.CharField(source="user.name")
    banned_at = serializers.DateTimeField(source="created_at")


class BansView(View, tag="Members"):
    class BanInput(fields.Input):
        """A user to ban."""

        user = fields.UUIDField(source="user_id")

    @operation("chat_bans_list", "List bans", page=BanOutput, failures=exceptions.ROLES_ONLY)
    def get(self, request: ApiRequest, slug: str) -> QuerySet[Ban]:
        """For moderators and owners. The oldest first."""
        moderator = selectors.get_moderator(user_id=request.caller.user.pk, slug=slug)
        return selectors.list_bans(room_id=moderator.room.pk)

    @operation(
        "chat_bans_add",
        "Ban a user",
        body=BanInput,
        answers={201: BanOutput, 200: BanOutput},
        failures=[*exceptions.ROLES_ONLY, exceptions.MemberNotFound],
    )
    def post(self, request: ApiRequest, slug: str, *, user_id: UUID) -> Answer:
        """A user below you, a member or not, is removed and cannot return. 200 for a user who is banned already."""
        ban, is_new = services.ban_member(actor_id=request.caller.user.pk, slug=slug, user_id=user_id)
        return Answer(201 if is_new else 200, ban)


class BanView(View, tag="Members"):
    @operation(
        "chat_bans_lift",
        "Lift a ban",
        answers={204: "The ban is lifted."},
        failures=[*exceptions.ROLES_ONLY, exceptions.BanNotFound],
    )
    def delete(self, request: ApiRequest, slug: str, user_id: UUID) -> None:
        """The user can join, be added or be invited again."""
        services.lift_ban(actor_id=request.caller.user.pk, slug=slug, user_id=user_id)
