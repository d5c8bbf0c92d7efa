"""Messages of a room, posted by members and by services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers

from apps.chat import exceptions, selectors, services
from apps.chat.filters import MessageFilter
from apps.chat.models import MAX_ATTACHMENTS, MAX_TEXT, Message
from apps.chat.pagination import MessagePagination
from apps.chat.serializers import MessageOutput
from apps.chat.types import UUID_PATTERN, Posted
from apps.common.http import fields
from apps.common.http.operation import Answer, ApiRequest, View, operation


class ClientIdField(fields.UUIDField):
    """A UUID as the caller spells it."""

    def to_internal_value(self, data: Any) -> str:
        super().to_internal_value(data)
        if not UUID_PATTERN.fullmatch(data):
            self.fail("invalid", value=data)
        return str(data)


class MessagesView(View, tag="Messages"):
    class MessageInput(fields.Input):
        """A message to post. The same `client_id` again is the same message. With files it may be without text."""

        message = fields.TextField(source="text", max_length=MAX_TEXT, allow_blank=True, default="")
        client_id = ClientIdField(required=False)
        reply_to = fields.UUIDField(required=False, allow_null=True, help_text="A message of this room.")
        attachments = serializers.ListField(
            child=fields.UUIDField(),
            max_length=MAX_ATTACHMENTS,
            required=False,
            help_text="Ids of your uploads to this room, each for one message.",
        )

    @operation(
        "chat_messages_list",
        "List messages",
        page=MessageOutput,
        rows=selectors.as_posted,
        filters=MessageFilter,
        pagination=MessagePagination,
        failures=exceptions.MEMBERS_ONLY,
    )
    def get(self, request: ApiRequest, slug: str) -> QuerySet[Message]:
        """The newest page, or the page after or before a number; the oldest message first."""
        membership = selectors.get_membership(user_id=request.caller.user.pk, slug=slug)
        return selectors.list_messages(room_id=membership.room_id)

    @operation(
        "chat_messages_post",
        "Post a message",
        body=MessageInput,
        answers={201: MessageOutput, 200: MessageOutput},
        failures=[
            *exceptions.MEMBERS_ONLY,
            exceptions.Muted,
            exceptions.InvalidMessage,
            exceptions.InvalidReply,
            exceptions.InvalidAttachment,
        ],
    )
    def post(
        self,
        request: ApiRequest,
        slug: str,
        *,
        text: str,
        client_id: str | None = None,
        reply_to: UUID | None = None,
        attachments: Sequence[UUID] = (),
    ) -> Answer:
        """201 for a new message, 200 for a `client_id` that you have used before."""
        posted, is_new = services.post_message(
            actor_id=request.caller.user.pk,
            slug=slug,
            text=text,
            client_id=client_id,
            reply_to=reply_to,
            attachments=attachments,
        )
        return Answer(201 if is_new else 200, posted)


class SearchView(View, tag="Messages"):
    class SearchInput(fields.Input):
        """A query as in a search engine: words, "phrases", `or`, `-without`."""

        q = fields.TextField(source="query", max_length=200)

    class PieceOutput(serializers.Serializer[Any]):
        """A piece of a snippet, as plain text: escape it before showing it as HTML."""

        text = serializers.CharField()
        match = serializers.BooleanField(help_text="Whether it matches the query.")

    class FoundOutput(MessageOutput):
        """A message that matches a query."""

        def get_fields(self) -> dict[str, Any]:
            return {**super().get_fields(), "snippet": SearchView.PieceOutput(many=True)}

    @operation(
        "chat_messages_search",
        "Search messages",
        query=SearchInput,
        page=FoundOutput,
        rows=selectors.as_found,
        failures=exceptions.MEMBERS_ONLY,
    )
    def get(self, request: ApiRequest, slug: str, *, query: str) -> QuerySet[Message]:
        """Takes words, "phrases", `or` and `-without`. The newest message first, with the matches marked in a snippet."""
        membership = selectors.get_membership(user_id=request.caller.user.pk, slug=slug)
        return selectors.search_messages(room=membership.room, query=query)


class MessageView(View, tag="Messages"):
    class MessageChangeInput(fields.Input):
        """A new text for a message."""

        message = fields.TextField(source="text", max_length=MAX_TEXT)

    @operation(
        "chat_messages_edit",
        "Edit a message",
        body=MessageChangeInput,
        answers=MessageOutput,
        failures=[
            *exceptions.MEMBERS_ONLY,
            exceptions.MessageNotFound,
            exceptions.MessageDeleted,
            exceptions.RoomRoleTooLow,
            exceptions.InvalidMessage,
        ],
    )
    def patch(self, request: ApiRequest, slug: str, message_id: UUID, *, text: str) -> Posted:
        """Only your own."""
        return services.edit_message(
            actor_id=request.caller.user.pk, slug=slug, message_id=message_id, text=text
        )

    @operation(
        "chat_messages_delete",
        "Delete a message",
        answers={204: "The text is deleted; the number stays."},
        failures=[*exceptions.MEMBERS_ONLY, exceptions.MessageNotFound, exceptions.RoomRoleTooLow],
    )
    def delete(self, request: ApiRequest, slug: str, message_id: UUID) -> None:
        """Your own; moderators and owners may delete any."""
        services.delete_message(actor_id=request.caller.user.pk, slug=slug, message_id=message_id)


class SystemMessagesView(View, tag="Messages"):
    class SystemMessageInput(fields.Input):
        """A message of the system. The same `client_id` again is the same message."""

        message = fields.TextField(source="text", max_length=MAX_TEXT)
        client_id = ClientIdField(required=False)

    @operation(
        "chat_system_messages_post",
        "Post a system message",
        body=SystemMessageInput,
        answers={201: MessageOutput},
        failures=[exceptions.RoomNotFound, exceptions.InvalidMessage],
    )
    def post(self, request: ApiRequest, slug: str, *, text: str, client_id: str | None = None) -> Posted:
        """Into any room, without a sender."""
        return services.post_system_message(slug=slug, text=text, client_id=client_id)
