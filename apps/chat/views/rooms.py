"""Rooms."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.chat import exceptions, selectors, services
from apps.chat.filters import RoomFilter
from apps.chat.models import Room
from apps.chat.serializers import RoomChangeInput, RoomInput, RoomOutput
from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of

TAGS = ["Rooms"]


class RoomsView(GenericAPIView[Any]):
    """The rooms that one can see, and new ones."""

    queryset = Room.objects.none()
    serializer_class = RoomOutput
    filterset_class = RoomFilter

    def get_queryset(self) -> QuerySet[Room]:
        """Public rooms and one's own."""
        return selectors.list_rooms(user_id=caller_of(self.request).user.pk)

    @extend_schema(
        operation_id="chat_rooms_list", tags=TAGS, summary="List rooms", responses=RoomOutput(many=True)
    )
    def get(self, request: Request) -> Response:
        """Public rooms and those that you are in, by slug; with your role and how much you have not read."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(RoomOutput(page, many=True).data)

    @extend_schema(
        operation_id="chat_rooms_create",
        tags=TAGS,
        summary="Make a room",
        request=RoomInput,
        responses={201: RoomOutput},
        filters=False,
    )
    @raises(exceptions.SlugTaken)
    def post(self, request: Request) -> Response:
        """You become its owner."""
        data = RoomInput(data=request.data)
        data.is_valid(raise_exception=True)
        user_id = caller_of(request).user.pk
        room = services.create_room(actor_id=user_id, **data.validated_data)
        return Response(
            RoomOutput(selectors.get_room_visible_to(user_id=user_id, slug=room.slug)).data, status=201
        )


class RoomView(APIView):
    """One room."""

    @extend_schema(operation_id="chat_rooms_read", tags=TAGS, summary="Read a room", responses=RoomOutput)
    @raises(exceptions.RoomNotFound)
    def get(self, request: Request, slug: str) -> Response:
        """A public room, or one that you are in."""
        room = selectors.get_room_visible_to(user_id=caller_of(request).user.pk, slug=slug)
        return Response(RoomOutput(room).data)

    @extend_schema(
        operation_id="chat_rooms_edit",
        tags=TAGS,
        summary="Change a room",
        request=RoomChangeInput,
        responses=RoomOutput,
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember, exceptions.RoomRoleTooLow)
    def patch(self, request: Request, slug: str) -> Response:
        """Its owners may rename it and decide who can see it."""
        data = RoomChangeInput(data=request.data)
        data.is_valid(raise_exception=True)
        user_id = caller_of(request).user.pk
        services.edit_room(actor_id=user_id, slug=slug, **data.validated_data)
        return Response(RoomOutput(selectors.get_room_visible_to(user_id=user_id, slug=slug)).data)

    @extend_schema(
        operation_id="chat_rooms_delete",
        tags=TAGS,
        summary="Delete a room",
        responses={204: OpenApiResponse(description="It is gone, with all its messages.")},
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember, exceptions.RoomRoleTooLow)
    def delete(self, request: Request, slug: str) -> Response:
        """Its owners may end it for everyone."""
        services.delete_room(actor_id=caller_of(request).user.pk, slug=slug)
        return Response(status=204)
