"""Invitations of a room and invitations to the caller."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers

from apps.chat import exceptions, selectors, services
from apps.chat.models import Invitation, Room
from apps.chat.serializers import RoomOutput
from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.users.exceptions import InvalidEmail


class InvitationOutput(serializers.Serializer[Any]):
    """An invitation as the room's moderators see it: as it was written, whether or not the account exists."""

    id = serializers.UUIDField()
    email = serializers.CharField(allow_null=True)
    user = serializers.UUIDField(source="user_id", allow_null=True)
    invited_by = serializers.UUIDField(source="invited_by_id")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class InvitationsView(View, tag="Invitations"):
    class InvitationInput(fields.Input):
        """The user to invite, by address or by id."""

        email = serializers.EmailField(max_length=254, required=False)
        user = fields.UUIDField(source="user_id", required=False)

        def validate(self, data: dict[str, Any]) -> dict[str, Any]:
            if len(data) != 1:
                raise serializers.ValidationError("Give either email or user.")
            return data

    @operation(
        "chat_invitations_list",
        "List a room's open invitations",
        page=InvitationOutput,
        failures=exceptions.ROLES_ONLY,
    )
    def get(self, request: ApiRequest, slug: str) -> QuerySet[Invitation]:
        """For moderators and owners. The newest first."""
        return selectors.list_invitations_of(user_id=request.caller.user.pk, slug=slug)

    @operation(
        "chat_invitations_send",
        "Invite a user",
        body=InvitationInput,
        answers={201: InvitationOutput},
        failures=[*exceptions.ROLES_ONLY, exceptions.TooManyInvitations, exceptions.TooOften, InvalidEmail],
    )
    def post(
        self, request: ApiRequest, slug: str, *, email: str | None = None, user_id: UUID | None = None
    ) -> Invitation:
        """By address or by id. The answer does not tell whether the account exists."""
        return services.invite(actor_id=request.caller.user.pk, slug=slug, email=email, user_id=user_id)


class InvitationView(View, tag="Invitations"):
    @operation(
        "chat_invitations_withdraw",
        "Withdraw an invitation",
        answers={204: "The invitation is withdrawn."},
        failures=[*exceptions.ROLES_ONLY, exceptions.InvitationNotFound],
    )
    def delete(self, request: ApiRequest, slug: str, invitation_id: UUID) -> None:
        """For moderators and owners."""
        services.withdraw_invitation(actor_id=request.caller.user.pk, slug=slug, invitation_id=invitation_id)


class MyInvitationsView(View, tag="Invitations"):
    class MyInvitationOutput(serializers.Serializer[Any]):
        """An invitation as the invited user sees it."""

        id = serializers.UUIDField()
        room = serializers.CharField(source="room.slug")
        room_name = serializers.CharField(source="room.name")
        invited_by = serializers.UUIDField(source="invited_by_id")
        invited_by_name = serializers.CharField(source="invited_by.name")
        created_at = serializers.DateTimeField()
        expires_at = serializers.DateTimeField()

    @operation("chat_my_invitations_list", "List your invitations", page=MyInvitationOutput)
    def get(self, request: ApiRequest) -> QuerySet[Invitation]:
        """Also to rooms that you cannot see yet. Invitations to an address appear once it is verified."""
        return selectors.list_invitations_for(user_id=request.caller.user.pk)


class AcceptView(View, tag="Invitations"):
    @operation(
        "chat_my_invitations_accept",
        "Accept an invitation",
        answers=RoomOutput,
        failures=[exceptions.InvitationNotFound, exceptions.Banned],
    )
    def post(self, request: ApiRequest, invitation_id: UUID) -> Room:
        """You become a member of the room."""
        actor_id = request.caller.user.pk
        membership = services.accept_invitation(actor_id=actor_id, invitation_id=invitation_id)
        return selectors.get_room_visible_to(user_id=actor_id, slug=membership.room.slug)


class DeclineView(View, tag="Invitations"):
    @operation(
        "chat_my_invitations_decline",
        "Decline an invitation",
        answers={204: "The invitation is deleted."},
        failures=[exceptions.InvitationNotFound],
    )
    def post(self, request: ApiRequest, invitation_id: UUID) -> None:
        """The room gets no notice."""
        services.decline_invitation(actor_id=request.caller.user.pk, invitation_id=invitation_id)
