"""Invitations: what a room has sent, and what one has got."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.chat import exceptions, selectors, services
from apps.chat.models import Invitation
from apps.chat.serializers import InvitationInput, InvitationOutput, MyInvitationOutput, RoomOutput
from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of
from apps.users.exceptions import InvalidEmail

TAGS = ["Invitations"]


class InvitationsView(GenericAPIView[Any]):
    """What a room has sent."""

    queryset = Invitation.objects.none()
    serializer_class = InvitationOutput
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Invitation]:
        """Open invitations of the room that the path names; for those who may invite."""
        return selectors.list_invitations_of(
            user_id=caller_of(self.request).user.pk, slug=str(self.kwargs["slug"])
        )

    @extend_schema(
        operation_id="chat_invitations_list",
        tags=TAGS,
        summary="List a room's open invitations",
        responses=InvitationOutput(many=True),
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember, exceptions.RoomRoleTooLow)
    def get(self, request: Request, slug: str) -> Response:
        """The newest first; for moderators and owners."""
        page: Any = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(InvitationOutput(page, many=True).data)

    @extend_schema(
        operation_id="chat_invitations_send",
        tags=TAGS,
        summary="Invite someone",
        request=InvitationInput,
        responses={201: InvitationOutput},
    )
    @raises(
        exceptions.RoomNotFound,
        exceptions.NotAMember,
        exceptions.RoomRoleTooLow,
        exceptions.TooManyInvitations,
        exceptions.TooOften,
        InvalidEmail,
    )
    def post(self, request: Request, slug: str) -> Response:
        """By address or by id; the answer does not tell whether there is such an account."""
        data = InvitationInput(data=request.data)
        data.is_valid(raise_exception=True)
        invitation = services.invite(
            actor_id=caller_of(request).user.pk,
            slug=slug,
            email=data.validated_data.get("email"),
            user_id=data.validated_data.get("user"),
        )
        return Response(InvitationOutput(invitation).data, status=201)


class InvitationView(APIView):
    """One invitation of a room."""

    @extend_schema(
        operation_id="chat_invitations_withdraw",
        tags=TAGS,
        summary="Withdraw an invitation",
        responses={204: OpenApiResponse(description="It opens nothing any more.")},
    )
    @raises(
        exceptions.RoomNotFound,
        exceptions.NotAMember,
        exceptions.RoomRoleTooLow,
        exceptions.InvitationNotFound,
    )
    def delete(self, request: Request, slug: str, invitation_id: UUID) -> Response:
        """For moderators and owners."""
        services.withdraw_invitation(
            actor_id=caller_of(request).user.pk, slug=slug, invitation_id=invitation_id
        )
        return Response(status=204)


class MyInvitationsView(GenericAPIView[Any]):
    """What one has got."""

    queryset = Invitation.objects.none()
    serializer_class = MyInvitationOutput
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Invitation]:
        """Open ones, by id or by verified address."""
        return selectors.list_invitations_for(user_id=caller_of(self.request).user.pk)

    @extend_schema(
        operation_id="chat_my_invitations_list",
        tags=TAGS,
        summary="List one's own invitations",
        responses=MyInvitationOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """Into rooms that you may not see yet. Those to an address show once it is verified."""
        page: Any = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(MyInvitationOutput(page, many=True).data)


class AcceptView(APIView):
    """Coming in."""

    @extend_schema(
        operation_id="chat_my_invitations_accept",
        tags=TAGS,
        summary="Accept an invitation",
        request=None,
        responses=RoomOutput,
    )
    @raises(exceptions.InvitationNotFound, exceptions.Banned)
    def post(self, request: Request, invitation_id: UUID) -> Response:
        """You are a member of the room."""
        user_id = caller_of(request).user.pk
        membership = services.accept_invitation(user_id=user_id, invitation_id=invitation_id)
        room = selectors.get_room_visible_to(user_id=user_id, slug=membership.room.slug)
        return Response(RoomOutput(room).data)


class DeclineView(APIView):
    """Staying out."""

    @extend_schema(
        operation_id="chat_my_invitations_decline",
        tags=TAGS,
        summary="Decline an invitation",
        request=None,
        responses={204: OpenApiResponse(description="It is gone.")},
    )
    @raises(exceptions.InvitationNotFound)
    def post(self, request: Request, invitation_id: UUID) -> Response:
        """Nobody is told."""
        services.decline_invitation(user_id=caller_of(request).user.pk, invitation_id=invitation_id)
        return Response(status=204)
