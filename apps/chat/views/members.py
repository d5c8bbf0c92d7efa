"""Who is in a room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.chat import exceptions, selectors, services
from apps.chat.filters import PersonFilter
from apps.chat.models import Membership, Role
from apps.chat.serializers import (
    MemberInput,
    MemberOutput,
    MuteInput,
    PersonOutput,
    ReadInput,
    RoleInput,
    RoomOutput,
)
from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of

TAGS = ["Members"]


class JoinView(APIView):
    """Entering a room."""

    @extend_schema(
        operation_id="chat_rooms_join", tags=TAGS, summary="Join a room", request=None, responses=RoomOutput
    )
    @raises(exceptions.RoomNotFound, exceptions.Banned)
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
        exceptions.MemberBanned,
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
        operation_id="chat_members_role",
        tags=TAGS,
        summary="Change a member's role",
        request=RoleInput,
        responses=MemberOutput,
    )
    @raises(
        exceptions.RoomNotFound,
        exceptions.NotAMember,
        exceptions.RoomRoleTooLow,
        exceptions.MemberNotFound,
        exceptions.LastOwner,
    )
    def patch(self, request: Request, slug: str, user_id: UUID) -> Response:
        """Owners change the roles of those who are no owners; everyone may give themselves a lower one."""
        data = RoleInput(data=request.data)
        data.is_valid(raise_exception=True)
        member = services.change_role(
            actor_id=caller_of(request).user.pk,
            slug=slug,
            user_id=user_id,
            role=Role(data.validated_data["role"]),
        )
        return Response(MemberOutput(member).data)

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
        """Those below you, or yourself. Their sockets are closed."""
        services.remove_member(actor_id=caller_of(request).user.pk, slug=slug, user_id=user_id)
        return Response(status=204)


class MuteView(APIView):
    """Whether a member may speak."""

    @extend_schema(
        operation_id="chat_members_mute",
        tags=TAGS,
        summary="Mute a member for a time",
        request=MuteInput,
        responses=MemberOutput,
    )
    @raises(
        exceptions.RoomNotFound,
        exceptions.NotAMember,
        exceptions.RoomRoleTooLow,
        exceptions.MemberNotFound,
        exceptions.InvalidMute,
    )
    def post(self, request: Request, slug: str, user_id: UUID) -> Response:
        """Someone below you; until then they read and do not speak. Again: another time."""
        data = MuteInput(data=request.data)
        data.is_valid(raise_exception=True)
        now = timezone.now()
        until = data.validated_data.get("until") or now + timedelta(seconds=data.validated_data["seconds"])
        member = services.mute_member(
            actor_id=caller_of(request).user.pk, slug=slug, user_id=user_id, until=until, now=now
        )
        return Response(MemberOutput(member).data)

    @extend_schema(
        operation_id="chat_members_unmute",
        tags=TAGS,
        summary="Let a member speak again",
        responses={204: OpenApiResponse(description="They may speak.")},
    )
    @raises(
        exceptions.RoomNotFound, exceptions.NotAMember, exceptions.RoomRoleTooLow, exceptions.MemberNotFound
    )
    def delete(self, request: Request, slug: str, user_id: UUID) -> Response:
        """Someone below you."""
        services.unmute_member(actor_id=caller_of(request).user.pk, slug=slug, user_id=user_id)
        return Response(status=204)


class ReadView(APIView):
    """How far one has read."""

    @extend_schema(
        operation_id="chat_rooms_read_up_to",
        tags=TAGS,
        summary="Mark messages as read",
        request=ReadInput,
        responses={204: OpenApiResponse(description="Marked.")},
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember)
    def post(self, request: Request, slug: str) -> Response:
        """Up to a number. Marks only move forward; on a socket, send a `read` frame."""
        data = ReadInput(data=request.data)
        data.is_valid(raise_exception=True)
        services.read_up_to(user_id=caller_of(request).user.pk, slug=slug, seq=data.validated_data["seq"])
        return Response(status=204)


class PeopleView(GenericAPIView[Any]):
    """People whom one can find."""

    queryset = Membership.objects.none()
    serializer_class = PersonOutput
    filterset_class = PersonFilter

    def get_queryset(self) -> QuerySet[Any]:
        """Those who share a room with the caller."""
        return selectors.list_people_known_to(user_id=caller_of(self.request).user.pk)

    @extend_schema(
        operation_id="chat_people_list",
        tags=TAGS,
        summary="Find people",
        responses=PersonOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """Those who share a room with you, by name."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(PersonOutput(page, many=True).data)
