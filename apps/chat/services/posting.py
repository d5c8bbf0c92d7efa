"""Posting: many drafts of one room in one transaction, numbered without gaps, each taken once.

The room's row is locked first, so transactions of one room follow each other and the order of commits is the order of
numbers: whoever reads up to `head` has seen everything below it. The second statement runs on a snapshot taken after
the lock, so it sees what others posted while this one waited, and finds repeated `client_id`s.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.chat import selectors, wire
from apps.chat.exceptions import InvalidMessage, MessageRefused, NotAMember, RoomNotFound
from apps.chat.models import MAX_TEXT, Room
from apps.chat.types import Draft, Posted, Stored
from apps.common.ids import uuid7
from infrastructure import realtime

# `standing` are drafts that may be posted, `known` those that were posted before, `fresh` the rest with their numbers.
_POST = """
WITH draft AS (
    SELECT * FROM unnest(%(positions)s::int[], %(ids)s::uuid[], %(senders)s::uuid[], %(client_ids)s::uuid[],
                         %(texts)s::text[]) AS d (position, id, sender_id, client_id, text)
), standing AS (
    SELECT draft.*, users_user.name AS sender_name
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
), inserted AS (
    INSERT INTO chat_message (id, room_id, seq, sender_id, client_id, text, created_at)
    SELECT id, %(room)s, seq, sender_id, client_id, text, %(now)s FROM fresh
), advanced AS (
    UPDATE chat_room SET head = %(head)s + (SELECT count(*) FROM fresh)
    WHERE id = %(room)s AND EXISTS (SELECT FROM fresh)
)
SELECT position, id, seq, text, %(now)s, sender_name, true FROM fresh
UNION ALL
SELECT known.position, known.id, known.seq, known.text, known.created_at, standing.sender_name, false
FROM known JOIN standing USING (position)
ORDER BY 1
"""


def clean_text(text: str) -> str:
    """The text as it is stored: composed Unicode, without blanks around it. Raises InvalidMessage."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidMessage("A message cannot hold half of a surrogate pair.") from None
    cleaned = unicodedata.normalize("NFC", text).strip()
    if "\x00" in cleaned:
        raise InvalidMessage("A message cannot hold the null character.")
    if not 0 < len(cleaned) <= MAX_TEXT:
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
            cleaned = clean_text(draft.text)
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
    drafts: Sequence[tuple[int, Draft, str]],
    now: datetime,
    outcomes: list[Posted | MessageRefused],
) -> list[Posted]:
    with transaction.atomic():
        head = (
            Room.objects.select_for_update(no_key=True)
            .filter(pk=room_id)
            .values_list("head", flat=True)
            .first()
        )
        if head is None:
            raise RoomNotFound
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
                },
            )
            rows = cursor.fetchall()
    by_position = {position: draft for position, draft, _ in drafts}
    fresh = []
    for position, id_, seq, text, at, sender_name, is_fresh in rows:
        draft = by_position[position]
        message = Posted(
            id=id_,
            seq=seq,
            text=text,
            sender_id=draft.sender_id,
            sender_name=selectors.SYSTEM_NAME if draft.sender_id is None else sender_name,
            client_id=draft.client_id,
            at=at,
        )
        outcomes[position] = message
        if is_fresh:
            fresh.append(message)
    return fresh


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
    *, actor_id: UUID, slug: str, text: str, client_id: UUID | None = None
) -> tuple[Posted, bool]:
    """One message of one person; the flag tells whether it is new. Raises RoomNotFound, NotAMember, InvalidMessage."""
    membership = selectors.get_membership(user_id=actor_id, slug=slug)
    return _post_one(membership.room_id, _draft(actor_id, text, client_id))


def post_system_message(*, slug: str, text: str, client_id: UUID | None = None) -> Posted:
    """A message without a sender. Raises RoomNotFound, InvalidMessage."""
    room = selectors.get_room(slug=slug)
    return _post_one(room.pk, _draft(None, text, client_id))[0]


def _draft(sender_id: UUID | None, text: str, client_id: UUID | None) -> Draft:
    if client_id is None:
        return Draft(sender_id=sender_id, text=text)
    return Draft(sender_id=sender_id, text=text, client_id=client_id)


def _post_one(room_id: UUID, draft: Draft) -> tuple[Posted, bool]:
    stored = post_messages(room_id=room_id, drafts=[draft])
    (outcome,) = stored.outcomes
    if not isinstance(outcome, Posted):
        raise outcome
    return outcome, bool(stored.fresh)
