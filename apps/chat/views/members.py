"""Who is in a room."""

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
from apps.chat.models import Membership, Role
from apps.chat.serializers import MemberInput, MemberOutput, RoomOutput
from apps.common.documentation import raises
from apps.common.permissions import caller_of

TAGS = ["Members"]


class JoinView(APIView):
    """Entering a room."""

    @extend_schema(
        operation_id="chat_rooms_join", tags=TAGS, summary="Join a room", request=None, responses=RoomOutput
    )
    @raises(exceptions.RoomNotFound)
    def post(self, request: Request, slug: str) -> Response:
        """A public one. To be in already is fine."""
        user_id = caller_of(request).user.pk
        services.join_room(user_id=user_id, slug=slug)
        return Response(RoomOutput(selectors.get_room_visible_to(user_id=user_id, slug=slug)).data)


class LeaveView(APIView):
    """Leaving a room."""

    @extend_schema(
        operation_id="chat_rooms_leave",
        tags=TAGS,
        summary="Leave a room",
        request=None,
        responses={204: OpenApiResponse(description="You are no longer in it.")},
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember, exceptions.LastOwner)
    def post(self, request: Request, slug: str) -> Response:
        """Your sockets in it are closed."""
        services.leave_room(user_id=caller_of(request).user.pk, slug=slug)
        return Response(status=204)


class MembersView(GenericAPIView[Any]):
    """A room's members."""

    queryset = Membership.objects.none()
    serializer_class = MemberOutput
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Membership]:
        """The members of the room that the path names; for its members."""
        membership = selectors.get_membership(
            user_id=caller_of(self.request).user.pk, slug=str(self.kwargs["slug"])
        )
        return selectors.list_members(room_id=membership.room_id)

    @extend_schema(
        operation_id="chat_members_list", tags=TAGS, summary="List members", responses=MemberOutput(many=True)
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember)
    def get(self, request: Request, slug: str) -> Response:
        """In the order in which they came."""
        return self.get_paginated_response(
            MemberOutput(self.paginate_queryset(self.get_queryset()), many=True).data
        )

    @extend_schema(
        operation_id="chat_members_add",
        tags=TAGS,
        summary="Add a member, or change a role",
        request=MemberInput,
        responses={201: MemberOutput, 200: MemberOutput},
    )
    @raises(
        exceptions.RoomNotFound,
        exceptions.NotAMember,
        exceptions.RoomRoleTooLow,
        exceptions.MemberNotFound,
        exceptions.LastOwner,
    )
    def post(self, request: Request, slug: str) -> Response:
        """Moderators may add members; owners may give any role. 201 for someone new, 200 for a change of role."""
        data = MemberInput(data=request.data)
        data.is_valid(raise_exception=True)
        membership, is_new = services.add_member(
            actor_id=caller_of(request).user.pk,
            slug=slug,
            user_id=data.validated_data["user"],
            role=Role(data.validated_data["role"]),
        )
        return Response(MemberOutput(membership).data, status=201 if is_new else 200)


class MemberView(APIView):
    """One member."""

    @extend_schema(
        operation_id="chat_members_remove",
        tags=TAGS,
        summary="Remove a member",
        responses={204: OpenApiResponse(description="They are no longer in it.")},
    )
    @raises(
        exceptions.RoomNotFound,
        exceptions.NotAMember,
        exceptions.RoomRoleTooLow,
        exceptions.MemberNotFound,
        exceptions.LastOwner,
    )
    def delete(self, request: Request, slug: str, user_id: UUID) -> Response:
        """Owners may remove anyone, moderators members, everyone themselves. Their sockets are closed."""
        services.remove_member(actor_id=caller_of(request).user.pk, slug=slug, user_id=user_id)
        return Response(status=204)
