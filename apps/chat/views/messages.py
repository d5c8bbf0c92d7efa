"""What is said in a room, and the system's own voice in it."""

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
from apps.chat.filters import MessageFilter
from apps.chat.models import Message
from apps.chat.pagination import MessagePagination
from apps.chat.serializers import (
    EventInput,
    FoundOutput,
    MessageChangeInput,
    MessageInput,
    MessageOutput,
    SearchInput,
    SystemMessageInput,
)
from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of

TAGS = ["Messages"]


class MessagesView(GenericAPIView[Any]):
    """A room's messages."""

    queryset = Message.objects.none()
    serializer_class = MessageOutput
    filterset_class = MessageFilter
    pagination_class = MessagePagination

    def get_queryset(self) -> QuerySet[Message]:
        """The messages of the room that the path names; for its members."""
        membership = selectors.get_membership(
            user_id=caller_of(self.request).user.pk, slug=str(self.kwargs["slug"])
        )
        return selectors.list_messages(room_id=membership.room_id)

    @extend_schema(
        operation_id="chat_messages_list",
        tags=TAGS,
        summary="Read messages",
        responses=MessageOutput(many=True),
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember)
    def get(self, request: Request, slug: str) -> Response:
        """The newest page, or the one after or before a number; always the oldest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        posted = selectors.as_posted(page)
        return self.get_paginated_response(MessageOutput(posted, many=True).data)

    @extend_schema(
        operation_id="chat_messages_post",
        tags=TAGS,
        summary="Post a message",
        request=MessageInput,
        responses={201: MessageOutput, 200: MessageOutput},
        filters=False,
    )
    @raises(
        exceptions.RoomNotFound,
        exceptions.NotAMember,
        exceptions.Muted,
        exceptions.InvalidMessage,
        exceptions.InvalidReply,
        exceptions.InvalidAttachment,
    )
    def post(self, request: Request, slug: str) -> Response:
        """201 for a new message, 200 when its `client_id` was taken before."""
        data = MessageInput(data=request.data)
        data.is_valid(raise_exception=True)
        posted, is_new = services.post_message(
            actor_id=caller_of(request).user.pk,
            slug=slug,
            text=data.validated_data["message"],
            client_id=data.validated_data.get("client_id"),
            reply_to=data.validated_data.get("reply_to"),
            attachments=data.validated_data.get("attachments", ()),
        )
        return Response(MessageOutput(posted).data, status=201 if is_new else 200)


class SearchView(GenericAPIView[Any]):
    """What was said about something."""

    queryset = Message.objects.none()
    serializer_class = FoundOutput
    filter_backends = ()

    @extend_schema(
        operation_id="chat_messages_search",
        tags=TAGS,
        summary="Search messages",
        parameters=[SearchInput],
        responses=FoundOutput(many=True),
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember)
    def get(self, request: Request, slug: str) -> Response:
        """Words, "phrases", or, -without; the newest first, with the words marked in a snippet."""
        data = SearchInput(data=request.query_params)
        data.is_valid(raise_exception=True)
        membership = selectors.get_membership(user_id=caller_of(request).user.pk, slug=slug)
        found = selectors.search_messages(room=membership.room, query=data.validated_data["q"])
        page: Any = self.paginate_queryset(found)
        shown = [
            {**MessageOutput(posted).data, "snippet": selectors.snippet(message.headline)}
            for posted, message in zip(selectors.as_posted(page), page, strict=True)
        ]
        return self.get_paginated_response(shown)


class MessageView(APIView):
    """One message."""

    @extend_schema(
        operation_id="chat_messages_edit",
        tags=TAGS,
        summary="Change a message",
        request=MessageChangeInput,
        responses=MessageOutput,
    )
    @raises(
        exceptions.RoomNotFound,
        exceptions.NotAMember,
        exceptions.MessageNotFound,
        exceptions.MessageDeleted,
        exceptions.RoomRoleTooLow,
        exceptions.InvalidMessage,
    )
    def patch(self, request: Request, slug: str, message_id: UUID) -> Response:
        """One's own only."""
        data = MessageChangeInput(data=request.data)
        data.is_valid(raise_exception=True)
        edited = services.edit_message(
            actor_id=caller_of(request).user.pk,
            slug=slug,
            message_id=message_id,
            text=data.validated_data["message"],
        )
        return Response(MessageOutput(edited).data)

    @extend_schema(
        operation_id="chat_messages_delete",
        tags=TAGS,
        summary="Delete a message",
        responses={204: OpenApiResponse(description="Its text is gone; its number stays.")},
    )
    @raises(
        exceptions.RoomNotFound, exceptions.NotAMember, exceptions.MessageNotFound, exceptions.RoomRoleTooLow
    )
    def delete(self, request: Request, slug: str, message_id: UUID) -> Response:
        """One's own; moderators and owners may delete anyone's."""
        services.delete_message(actor_id=caller_of(request).user.pk, slug=slug, message_id=message_id)
        return Response(status=204)


class SystemMessagesView(APIView):
    """The system's voice, for services."""

    @extend_schema(
        operation_id="chat_system_messages_post",
        tags=TAGS,
        summary="Post a system message",
        request=SystemMessageInput,
        responses={201: MessageOutput},
    )
    @raises(exceptions.RoomNotFound, exceptions.InvalidMessage)
    def post(self, request: Request, slug: str) -> Response:
        """Into any room, without a sender."""
        data = SystemMessageInput(data=request.data)
        data.is_valid(raise_exception=True)
        posted = services.post_system_message(
            slug=slug,
            text=data.validated_data["message"],
            client_id=data.validated_data.get("client_id"),
        )
        return Response(MessageOutput(posted).data, status=201)


class RoomEventsView(APIView):
    """What a service shows to those who are in a room just now."""

    @extend_schema(
        operation_id="chat_room_events_push",
        tags=TAGS,
        summary="Push an event to a room's open sockets",
        request=EventInput,
        responses={
            202: OpenApiResponse(description="On its way. It is not kept for those who are not there.")
        },
    )
    @raises(exceptions.RoomNotFound)
    def post(self, request: Request, slug: str) -> Response:
        """A frame `{"type":"event","name","data"}` for everyone in the room."""
        data = EventInput(data=request.data)
        data.is_valid(raise_exception=True)
        services.push_event(slug=slug, **data.validated_data)
        return Response(status=202)
