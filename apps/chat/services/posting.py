"""Posting: many drafts of one room in one transaction, numbered without gaps, each taken once.

The room's row is locked first, so transactions of one room follow each other and the order of commits is the order of
numbers: whoever reads up to `head` has seen everything below it. The second statement runs on a snapshot taken after
the lock, so it sees what others posted while this one waited, and finds repeated `client_id`s.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.db import connection, transaction
from django.utils import timezone

from apps.chat import selectors, wire
from apps.chat.events import MessageNoticed
from apps.chat.exceptions import InvalidMessage, MessageRefused, Muted, NotAMember, RoomNotFound
from apps.chat.models import MAX_TEXT, Room
from apps.chat.services import extras
from apps.chat.services.extras import Candidate, Extras
from apps.chat.types import Draft, Posted, Stored
from apps.common import events
from apps.common.ids import uuid7
from infrastructure import realtime

# `standing` are drafts of members, `known` those that were posted before, `fresh` the rest with their numbers, but for
# those of members who are muted.
_POST = """
WITH draft AS (
    SELECT * FROM unnest(%(positions)s::int[], %(ids)s::uuid[], %(senders)s::uuid[], %(client_ids)s::uuid[],
                         %(texts)s::text[], %(reply_tos)s::uuid[], %(attachments)s::text[], %(mentions)s::text[])
        AS d (position, id, sender_id, client_id, text, reply_to_id, attachments, mentions)
), standing AS (
    SELECT draft.*, users_user.name AS sender_name, chat_membership.muted_until
    FROM draft
    LEFT JOIN chat_membership ON chat_membership.room_id = %(room)s AND chat_membership.user_id = draft.sender_id
    LEFT JOIN users_user ON users_user.id = chat_membership.user_id
    WHERE draft.sender_id IS NULL OR chat_membership.id IS NOT NULL
), known AS (
    SELECT standing.position, m.id, m.seq, m.text, m.created_at
    FROM standing
    JOIN chat_message m ON m.room_id = %(room)s AND m.client_id = standing.client_id
        AND m.sender_id IS NOT DISTINCT FROM standing.sender_id
), fresh AS (
    SELECT standing.*, %(head)s + row_number() OVER (ORDER BY standing.position) AS seq
    FROM standing
    WHERE standing.position NOT IN (SELECT position FROM known)
        AND (standing.muted_until IS NULL OR standing.muted_until <= %(now)s)
), inserted AS (
    INSERT INTO chat_message (id, room_id, seq, sender_id, client_id, text, created_at, language, reply_to_id,
                              attachments, mentions)
    SELECT id, %(room)s, seq, sender_id, client_id, text, %(now)s, %(language)s::regconfig, reply_to_id,
           attachments::jsonb, mentions::uuid[]
    FROM fresh
), advanced AS (
    UPDATE chat_room SET head = %(head)s + (SELECT count(*) FROM fresh)
    WHERE id = %(room)s AND EXISTS (SELECT FROM fresh)
)
SELECT position, id, seq, text, %(now)s, sender_name, 'fresh' FROM fresh
UNION ALL
SELECT known.position, known.id, known.seq, known.text, known.created_at, standing.sender_name, 'known'
FROM known JOIN standing USING (position)
UNION ALL
SELECT position, id, 0, '', muted_until, '', 'muted' FROM standing
WHERE muted_until > %(now)s AND position NOT IN (SELECT position FROM known)
ORDER BY 1
"""


def clean_text(text: str, *, may_be_empty: bool = False) -> str:
    """The text as it is stored: composed Unicode, without blanks around it. Raises InvalidMessage.

    Only a message with files may be empty.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidMessage("A message cannot hold half of a surrogate pair.") from None
    cleaned = unicodedata.normalize("NFC", text).strip()
    if "\x00" in cleaned:
        raise InvalidMessage("A message cannot hold the null character.")
    if len(cleaned) > MAX_TEXT or not (cleaned or may_be_empty):
        raise InvalidMessage
    return cleaned


def store_messages(*, room_id: UUID, drafts: Sequence[Draft], now: datetime | None = None) -> Stored:
    """Store what may be stored, all of it or nothing; tell nobody. Raises RoomNotFound.

    The outcome of a draft is the stored message (of the first time, when its `client_id` was sent before), or the
    reason for which it was refused: the sender is no member, the text is none.
    """
    moment = now or timezone.now()
    outcomes: list[Posted | MessageRefused] = [NotAMember() for _ in drafts]
    first: dict[tuple[UUID | None, UUID], int] = {}
    texts: dict[int, str] = {}
    for position, draft in enumerate(drafts):
        try:
            cleaned = clean_text(draft.text, may_be_empty=bool(draft.attachments))
        except InvalidMessage as refusal:
            outcomes[position] = refusal
            continue
        if first.setdefault((draft.sender_id, draft.client_id), position) == position:
            texts[position] = cleaned
    fresh = _insert(
        room_id, [(position, drafts[position], text) for position, text in texts.items()], moment, outcomes
    )
    for position, draft in enumerate(drafts):
        original = first.get((draft.sender_id, draft.client_id), position)
        if position not in texts and not isinstance(outcomes[position], InvalidMessage):
            outcomes[position] = outcomes[original]
    return Stored(outcomes=tuple(outcomes), fresh=tuple(fresh))


def _insert(
    room_id: UUID,
    drafts: Sequence[Candidate],
    now: datetime,
    outcomes: list[Posted | MessageRefused],
) -> list[Posted]:
    with transaction.atomic():
        locked = (
            Room.objects.select_for_update(no_key=True)
            .filter(pk=room_id)
            .values_list("head", "language")
            .first()
        )
        if locked is None:
            raise RoomNotFound
        head, language = locked
        found, refused = extras.find(room_id, drafts)
        for position, refusal in refused.items():
            outcomes[position] = refusal
        drafts = [candidate for candidate in drafts if candidate[0] not in refused]
        carried = [found.get(position, extras.NONE) for position, _, _ in drafts]
        with connection.cursor() as cursor:
            cursor.execute(
                _POST,
                {
                    "room": room_id,
                    "head": head,
                    "now": now,
                    "positions": [position for position, _, _ in drafts],
                    "ids": [uuid7() for _ in drafts],
                    "senders": [draft.sender_id for _, draft, _ in drafts],
                    "client_ids": [draft.client_id for _, draft, _ in drafts],
                    "texts": [text for _, _, text in drafts],
                    "language": language,
                    "reply_tos": [draft.reply_to for _, draft, _ in drafts],
                    "attachments": [_json(one) for one in carried],
                    "mentions": [_array(one) for one in carried],
                },
            )
            rows = cursor.fetchall()
        fresh = _judge(rows, {position: draft for position, draft, _ in drafts}, found, outcomes)
        _follow_up(room_id, fresh)
    return fresh


def _judge(
    rows: Sequence[tuple[Any, ...]],
    drafts: Mapping[int, Draft],
    found: Mapping[int, Extras],
    outcomes: list[Posted | MessageRefused],
) -> list[Posted]:
    """Write down what became of each draft. Returns the messages that are new."""
    fresh = []
    for position, id_, seq, text, at, sender_name, state in rows:
        if state == "muted":
            outcomes[position] = Muted(at)
            continue
        draft, carried = drafts[position], found.get(position, extras.NONE)
        message = Posted(
            id=id_,
            seq=seq,
            text=text,
            sender_id=draft.sender_id,
            sender_name=selectors.SYSTEM_NAME if draft.sender_id is None else sender_name,
            client_id=draft.client_id,
            at=at,
            reply_to=carried.reply_to,
            attachments=carried.attachments,
            mentions=carried.mentions,
        )
        outcomes[position] = message
        if state == "fresh":
            fresh.append(message)
    return fresh


def _follow_up(room_id: UUID, fresh: Sequence[Posted]) -> None:
    """Files go to their messages; that somebody was named or answered is an event."""
    extras.attach({message.id: message.attachments for message in fresh if message.attachments})
    for message in fresh:
        if message.mentions or (message.reply_to is not None and message.reply_to.sender_id is not None):
            events.publish(MessageNoticed(message_id=message.id, room_id=room_id))


def _json(carried: Extras) -> str | None:
    return orjson.dumps(extras.as_json(carried.attachments)).decode() if carried.attachments else None


def _array(carried: Extras) -> str | None:
    return f"{{{','.join(str(one.user_id) for one in carried.mentions)}}}" if carried.mentions else None


def announce(*, room_id: UUID, fresh: Sequence[Posted]) -> None:
    """Tell every process that has sockets in the room. Call it after the commit."""
    if fresh:
        realtime.post(realtime.room_channel(room_id), wire.pack(fresh))


def post_messages(*, room_id: UUID, drafts: Sequence[Draft], now: datetime | None = None) -> Stored:
    """`store_messages`, told to the room once the transaction around it has committed. Raises RoomNotFound."""
    stored = store_messages(room_id=room_id, drafts=drafts, now=now)
    transaction.on_commit(lambda: announce(room_id=room_id, fresh=stored.fresh))
    return stored


def post_message(
    *,
    actor_id: UUID,
    slug: str,
    text: str,
    client_id: UUID | None = None,
    reply_to: UUID | None = None,
    attachments: Sequence[UUID] = (),
) -> tuple[Posted, bool]:
    """One message of one person; the flag tells whether it is new.

    Raises RoomNotFound, NotAMember, Muted, InvalidMessage, InvalidReply, InvalidAttachment.
    """
    membership = selectors.get_membership(user_id=actor_id, slug=slug)
    draft = Draft(
        sender_id=actor_id,
        text=text,
        client_id=client_id or uuid4(),
        reply_to=reply_to,
        attachments=tuple(attachments),
    )
    return _post_one(membership.room_id, draft)


def post_system_message(*, slug: str, text: str, client_id: UUID | None = None) -> Posted:
    """A message without a sender. Raises RoomNotFound, InvalidMessage."""
    room = selectors.get_room(slug=slug)
    return _post_one(room.pk, Draft(sender_id=None, text=text, client_id=client_id or uuid4()))[0]


def _post_one(room_id: UUID, draft: Draft) -> tuple[Posted, bool]:
    stored = post_messages(room_id=room_id, drafts=[draft])
    (outcome,) = stored.outcomes
    if not isinstance(outcome, Posted):
        raise outcome
    if not stored.fresh:
        # It was posted before, and may have been changed since.
        return selectors.get_posted(room_id=room_id, message_id=outcome.id), False
    return outcome, True
