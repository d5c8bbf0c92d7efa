"""The parts of a message besides its text: the message it replies to, its files, and its mentions.

The parts of all drafts of a group are looked up together, after the room is locked and before the drafts are stored. A
group of plain texts needs no query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from apps.chat import selectors
from apps.chat.exceptions import InvalidAttachment, InvalidReply
from apps.chat.models import MAX_ATTACHMENTS, Attachment
from apps.chat.types import Attached, Draft, Mentioned, Quote
from apps.common.exceptions import DomainError

MAX_MENTIONS: Final = 20
_MENTION: Final = re.compile(
    r"<@([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})>"
)

Candidate = tuple[int, Draft, str]
"""The position of a draft in its group, the draft, and its text as stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    reply_to: Quote | None = None
    attachments: tuple[Attached, ...] = ()
    mentions: tuple[Mentioned, ...] = ()


NONE: Final = Parts()


def named_in(text: str) -> tuple[UUID, ...]:
    """Returns the ids mentioned as `<@id>`, each once, in order, up to MAX_MENTIONS."""
    if "<@" not in text:
        return ()
    return tuple(dict.fromkeys(UUID(found) for found in _MENTION.findall(text)))[:MAX_MENTIONS]


def mentions_in(*, room_id: UUID, text: str) -> tuple[Mentioned, ...]:
    named = named_in(text)
    names = selectors.names_of_members(room_id=room_id, user_ids=named) if named else {}
    return tuple(Mentioned(user_id=id_, name=names[id_]) for id_ in named if id_ in names)


def have_parts(candidates: Sequence[Candidate]) -> bool:
    """Whether any candidate is more than a plain text."""
    return any(
        draft.reply_to is not None or draft.attachments or named_in(text) for _, draft, text in candidates
    )


def find(room_id: UUID, candidates: Sequence[Candidate]) -> tuple[dict[int, Parts], dict[int, DomainError]]:
    """Returns by position the parts of the drafts, and the errors of those that are refused. Three queries at most."""
    named = {position: ids for position, _, text in candidates if (ids := named_in(text))}
    replied = {draft.reply_to for _, draft, _ in candidates if draft.reply_to is not None}
    asked = {id_ for _, draft, _ in candidates for id_ in draft.attachments}
    if not (named or replied or asked):
        return {}, {}
    mentioned = {id_ for ids in named.values() for id_ in ids}
    names = selectors.names_of_members(room_id=room_id, user_ids=mentioned) if mentioned else {}
    quotes = selectors.list_quotes(room_id=room_id, message_ids=replied) if replied else {}
    files = _files(room_id, asked) if asked else {}
    found: dict[int, Parts] = {}
    refused: dict[int, DomainError] = {}
    for position, draft, _ in candidates:
        if draft.reply_to is not None and draft.reply_to not in quotes:
            refused[position] = InvalidReply()
            continue
        if draft.attachments and not _take(files, draft):
            refused[position] = InvalidAttachment()
            continue
        found[position] = Parts(
            reply_to=None if draft.reply_to is None else quotes[draft.reply_to],
            attachments=tuple(selectors.attached(files[id_][0]) for id_ in draft.attachments),
            mentions=tuple(
                Mentioned(user_id=id_, name=names[id_]) for id_ in named.get(position, ()) if id_ in names
            ),
        )
    return found, refused


def _files(room_id: UUID, ids: set[UUID]) -> dict[UUID, tuple[Attachment, UUID | None]]:
    """Returns the uploads by id, each with the `client_id` of its message."""
    rows = Attachment.objects.filter(pk__in=ids, room_id=room_id, discarded_at=None).select_related("message")
    # Locked: the deletion of unused files skips locked rows.
    rows = rows.select_for_update(no_key=True, of=("self",)).order_by("pk")
    rows = rows.only(
        *("id", "uploader_id", "name", "type", "size", "width", "height"),
        *("message__id", "message__client_id"),
    )
    return {row.pk: (row, None if row.message is None else row.message.client_id) for row in rows}


def _take(files: dict[UUID, tuple[Attachment, UUID | None]], draft: Draft) -> bool:
    """Whether the draft may have its files; if so, they are taken and no other draft may have them."""
    if len(draft.attachments) > MAX_ATTACHMENTS or len(set(draft.attachments)) < len(draft.attachments):
        return False
    for id_ in draft.attachments:
        row, client_id = files.get(id_, (None, None))
        # A file may already belong to this message, sent again because the acknowledgement was lost.
        if row is None or row.uploader_id != draft.sender_id or client_id not in (None, draft.client_id):
            return False
    for id_ in draft.attachments:
        files[id_] = (files[id_][0], draft.client_id)
    return True


def attach(messages: Mapping[UUID, Sequence[Attached]]) -> None:
    """Assign files to their messages, by message id."""
    for message_id, files in messages.items():
        Attachment.objects.filter(pk__in=[file.id for file in files], message__isnull=True).update(
            message_id=message_id
        )


def as_json(attachments: Sequence[Attached]) -> list[dict[str, Any]]:
    """Files as the message's row stores them; `selectors.as_posted` is the inverse."""
    return [asdict(one) | {"id": str(one.id)} for one in attachments]
