"""Messages as rows and as the values of frames, and their files."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.chat.exceptions import AttachmentNotFound, MessageNotFound
from apps.chat.models import Attachment, Message
from apps.chat.selectors.rooms import get_membership
from apps.chat.types import Attached, Mentioned, Posted, Quote
from apps.users import selectors as users

SYSTEM_NAME = "System"
QUOTE_LENGTH = 140
_FIELDS = (
    *(
        "id",
        "room_id",
        "seq",
        "sender_id",
        "client_id",
        "sent_as",
        "text",
        "created_at",
        "edited_at",
        "deleted_at",
    ),
    *("sender__name", "attachments", "mentions", "change"),
    *(
        f"reply_to__{name}"
        for name in ("id", "seq", "sender_id", "text", "created_at", "deleted_at", "sender__name")
    ),
)


def list_messages(*, room_id: UUID) -> QuerySet[Message]:
    """Lists the messages of a room by number, with their senders and the messages they reply to."""
    # Only the name of an account: the other fields are personal, and some would have to be decrypted.
    messages = Message.objects.filter(room_id=room_id).select_related("sender", "reply_to__sender")
    return messages.order_by("seq").only(*_FIELDS)


def get_message(*, room_id: UUID, message_id: UUID) -> Message:
    """Returns a message of a room with its sender. Raises MessageNotFound."""
    message = list_messages(room_id=room_id).filter(pk=message_id).first()
    if message is None:
        raise MessageNotFound
    return message


def get_posted(*, room_id: UUID, message_id: UUID) -> Posted:
    """Returns a message of a room as the value of frames. Raises MessageNotFound."""
    return as_posted([get_message(room_id=room_id, message_id=message_id)])[0]


def as_posted(messages: Sequence[Message]) -> list[Posted]:
    """Converts messages of `list_messages` to the values of frames. One query if there are mentions."""
    named = {id_ for message in messages for id_ in message.mentions or ()}
    names = users.names_of(named) if named else {}
    return [_posted(message, names) for message in messages]


def _posted(message: Message, names: Mapping[UUID, str]) -> Posted:
    return Posted(
        id=message.pk,
        seq=message.seq,
        text=message.text,
        sender_id=message.sender_id,
        sender_name=SYSTEM_NAME if message.sender is None else message.sender.name,
        client_id=message.sent_as or message.client_id,
        at=message.created_at,
        edited_at=message.edited_at,
        is_deleted=message.deleted_at is not None,
        reply_to=None if message.reply_to is None else quote(message.reply_to),
        attachments=tuple(Attached(**{**file, "id": UUID(file["id"])}) for file in message.attachments or ()),
        mentions=tuple(
            Mentioned(user_id=id_, name=names[id_]) for id_ in message.mentions or () if id_ in names
        ),
        change=message.change,
    )


def quote(message: Message) -> Quote:
    """Returns the beginning of a message, for replies to it. Its sender has to be loaded."""
    return Quote(
        id=message.pk,
        seq=message.seq,
        sender_id=message.sender_id,
        sender_name=SYSTEM_NAME if message.sender is None else message.sender.name,
        text=message.text[:QUOTE_LENGTH],
        is_deleted=message.deleted_at is not None,
    )


def list_quotes(*, room_id: UUID, message_ids: Collection[UUID]) -> dict[UUID, Quote]:
    """Returns the quotes of those messages that are in the room, by id."""
    found = Message.objects.filter(room_id=room_id, pk__in=message_ids).select_related("sender")
    found = found.only("id", "seq", "sender_id", "sender__name", "text", "deleted_at")
    return {message.pk: quote(message) for message in found}


def get_attachment(*, user_id: UUID, slug: str, attachment_id: UUID) -> Attachment:
    """Returns a file of a room, for its members; before it is posted, for its uploader only.

    Raises RoomNotFound, NotAMember, AttachmentNotFound.
    """
    membership = get_membership(user_id=user_id, slug=slug)
    found = Attachment.objects.filter(pk=attachment_id, room_id=membership.room_id, discarded_at=None)
    attachment = found.filter(Q(message_id__isnull=False) | Q(uploader_id=user_id)).first()
    if attachment is None:
        raise AttachmentNotFound
    return attachment


def attached(attachment: Attachment) -> Attached:
    return Attached(**{one.name: getattr(attachment, one.name) for one in dataclasses.fields(Attached)})
