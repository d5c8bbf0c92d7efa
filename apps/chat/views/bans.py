"""Who may not come into a room."""

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
from apps.chat.models import Ban
from apps.chat.serializers import BanInput, BanOutput
from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of

TAGS = ["Members"]


class BansView(GenericAPIView[Any]):
    """A room's bans."""

    queryset = Ban.objects.none()
    serializer_class = BanOutput
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Ban]:
        """The bans of the room that the path names; for those who may moderate."""
        moderator = selectors.get_moderator(
            user_id=caller_of(self.request).user.pk, slug=str(self.kwargs["slug"])
        )
        return selectors.list_bans(room_id=moderator.room.pk)

    @extend_schema(
        operation_id="chat_bans_list", tags=TAGS, summary="List bans", responses=BanOutput(many=True)
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember, exceptions.RoomRoleTooLow)
    def get(self, request: Request, slug: str) -> Response:
        """The oldest first; for those who may moderate."""
        return self.get_paginated_response(
            BanOutput(self.paginate_queryset(self.get_queryset()), many=True).data
        )

    @extend_schema(
        operation_id="chat_bans_add",
        tags=TAGS,
        summary="Ban someone",
        request=BanInput,
        responses={201: BanOutput, 200: BanOutput},
    )
    @raises(
        exceptions.RoomNotFound, exceptions.NotAMember, exceptions.RoomRoleTooLow, exceptions.MemberNotFound
    )
    def post(self, request: Request, slug: str) -> Response:
        """Someone below you, in the room or not: they are put out, and cannot come back. 200 for who is banned already."""
        data = BanInput(data=request.data)
        data.is_valid(raise_exception=True)
        ban, is_new = services.ban_member(
            actor_id=caller_of(request).user.pk, slug=slug, user_id=data.validated_data["user"]
        )
        return Response(BanOutput(ban).data, status=201 if is_new else 200)


class BanView(APIView):
    """One ban."""

    @extend_schema(
        operation_id="chat_bans_lift",
        tags=TAGS,
        summary="Lift a ban",
        responses={204: OpenApiResponse(description="They may come in.")},
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember, exceptions.RoomRoleTooLow, exceptions.BanNotFound)
    def delete(self, request: Request, slug: str, user_id: UUID) -> Response:
        """They may join again, or be brought or invited."""
        services.lift_ban(actor_id=caller_of(request).user.pk, slug=slug, user_id=user_id)
        return Response(status=204)
