"""Posting: stores many drafts, of one room or of several, in one transaction, each once and numbered without gaps.

The rows of the rooms are locked first, in the order of their ids, so that two groups never deadlock. Transactions of one
room thus run one after the other, and the order of commits is the order of numbers: a reader that has seen `head` has seen
everything below it. The database function `chat_post` (`migrations/0012_client_id_as_sent.py`) does all of this, so that
plain texts are one statement: one round trip, and a transaction by itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
from django.db import connection, transaction
from django.utils import timezone

from apps.chat import selectors
from apps.chat.events import AnnouncementRequested, MessageNoticed
from apps.chat.exceptions import InvalidMessage, Muted, NotAMember, RoomNotFound
from apps.chat.models import MAX_TEXT, Membership
from apps.chat.selectors import room_events
from apps.chat.services import message_parts
from apps.chat.services.message_parts import Candidate, Parts
from apps.chat.types import Draft, Posted, Stored
from apps.common import events
from apps.common.database.ids import uuid7
from apps.common.exceptions import DomainError
from apps.common.text import is_visible
from infrastructure import realtime

MAX_MARKS: Final = 30
_LOCK = "SELECT id FROM chat_room WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_POST = "SELECT * FROM chat_post(%s::json, %s::uuid[], %s)"


@dataclass(slots=True)
class _Group:
    """The drafts of one room while they are stored. The first draft of each `client_id` is a candidate."""

    drafts: Sequence[Draft]
    outcomes: list[Posted | DomainError] = field(init=False)
    candidates: list[Candidate] = field(init=False, default_factory=list)
    found: Mapping[int, Parts] = field(init=False, default_factory=dict)
    fresh: list[Posted] = field(init=False, default_factory=list)
    exists: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        self.outcomes = [NotAMember() for _ in self.drafts]

    def sort_out(self) -> list[tuple[int, int]]:
        """Choose the candidates. Returns the positions of repeated drafts, each with that of its first."""
        first: dict[tuple[UUID | None, UUID], int] = {}
        repeated = []
        for position, draft in enumerate(self.drafts):
            try:
                cleaned = clean_text(draft.text, may_be_empty=bool(draft.attachments))
            except InvalidMessage as error:
                self.outcomes[position] = error
                continue
            original = first.setdefault((draft.sender_id, draft.client_id), position)
            if original == position:
                self.candidates.append((position, draft, cleaned))
            else:
                repeated.append((position, original))
        return repeated

    def look_up(self, room_id: UUID) -> None:
        """Look up the parts of the candidates, and remove candidates with invalid parts."""
        self.found, refused = message_parts.find(room_id, self.candidates)
        for position, error in refused.items():
            self.outcomes[position] = error
        if refused:
            self.candidates = [candidate for candidate in self.candidates if candidate[0] not in refused]


def clean_text(text: str, *, may_be_empty: bool = False) -> str:
    """Normalize a text: composed Unicode (NFC), stripped. Raises InvalidMessage.

    A text without a visible character is refused, or becomes empty where `may_be_empty` allows it.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidMessage("A message cannot hold half of a surrogate pair.") from None
    cleaned = text.strip()
    if len(cleaned) > MAX_TEXT:
        raise InvalidMessage
    if not cleaned.isascii():
        if _has_long_run_of_marks(cleaned):
            raise InvalidMessage(f"A message cannot hold more than {MAX_MARKS} combining marks in a row.")
        cleaned = unicodedata.normalize("NFC", cleaned).strip()
    if "\x00" in cleaned:
        raise InvalidMessage("A message cannot hold the null character.")
    if len(cleaned) > MAX_TEXT:
        raise InvalidMessage
    if not is_visible(cleaned):
        if not may_be_empty:
            raise InvalidMessage
        return ""
    return cleaned


def _has_long_run_of_marks(text: str) -> bool:
    """Normalization time is quadratic in the length of a run; no language needs more than 30 (UAX 15, section 13)."""
    run = 0
    for sign in text:
        run = run + 1 if unicodedata.combining(sign) else 0
        if run > MAX_MARKS:
            return True
    return False


def store_messages(*, room_id: UUID, drafts: Sequence[Draft], now: datetime | None = None) -> Stored:
    """Store the valid drafts in one transaction, without publishing them. Raises RoomNotFound.

    The outcome of a draft is the stored message (the first one when its `client_id` was sent before), or the error for
    which it was refused, such as NotAMember or InvalidMessage.
    """
    stored = store_in_rooms(drafts={room_id: drafts}, now=now)[room_id]
    if stored is None:
        raise RoomNotFound
    return stored


def store_in_rooms(
    *, drafts: Mapping[UUID, Sequence[Draft]], now: datetime | None = None
) -> dict[UUID, Stored | None]:
    """`store_messages` for several rooms in one transaction; None for a room that does not exist."""
    groups = {room_id: _Group(some) for room_id, some in drafts.items()}
    repeated = {room_id: group.sort_out() for room_id, group in groups.items()}
    moment = now or timezone.now()
    if any(message_parts.have_parts(group.candidates) for group in groups.values()):
        with transaction.atomic():
            _look_up(groups)
            _post(groups, moment)
            for room_id, group in groups.items():
                _follow_up(room_id, group.fresh)
    else:
        _post(groups, moment)
    for room_id, group in groups.items():
        for position, original in repeated[room_id]:
            group.outcomes[position] = group.outcomes[original]
    return {
        room_id: Stored(outcomes=tuple(group.outcomes), fresh=tuple(group.fresh)) if group.exists else None
        for room_id, group in groups.items()
    }


def _look_up(groups: Mapping[UUID, _Group]) -> None:
    """Look up the parts of the drafts with their rooms locked, so that they do not change until the commit."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [list(groups)])
        existing = {room_id for (room_id,) in cursor.fetchall()}
    for room_id, group in groups.items():
        group.exists = room_id in existing
        if group.exists:
            group.look_up(room_id)


def _post(groups: Mapping[UUID, _Group], moment: datetime) -> None:
    """Store the candidates of every group and record their outcomes."""
    rows = [(group, room_id, one) for room_id, group in groups.items() for one in group.candidates]
    if not rows:
        return
    drafts = [_row(number, *row) for number, row in enumerate(rows)]
    with connection.cursor() as cursor:
        cursor.execute(_POST, [orjson.dumps(drafts).decode(), list(groups), moment])
        answers = cursor.fetchall()
    for number, state, id_, seq, text, at, sender_name in answers:
        group, _, (position, draft, _) = rows[number]
        if state == "muted":
            group.outcomes[position] = Muted(at)
        elif state == "nowhere":
            group.exists = False
        elif state != "stranger":
            carried = group.found.get(position, message_parts.NONE)
            message = Posted(
                id=id_,
                seq=seq,
                text=text,
                sender_id=draft.sender_id,
                sender_name=selectors.SYSTEM_NAME if draft.sender_id is None else sender_name,
                client_id=draft.sent_as or draft.client_id,
                at=at,
                reply_to=carried.reply_to,
                attachments=carried.attachments,
                mentions=carried.mentions,
            )
            group.outcomes[position] = message
            if state == "fresh":
                group.fresh.append(message)


def _row(number: int, group: _Group, room_id: UUID, candidate: Candidate) -> dict[str, Any]:
    """A draft as `chat_post` expects it; absent parts are left out."""
    position, draft, text = candidate
    row: dict[str, Any] = {
        "position": number,
        "room_id": room_id,
        "id": uuid7(),
        "sender_id": draft.sender_id,
        "client_id": draft.client_id,
        "text": text,
    }
    if draft.sent_as and draft.sent_as != str(draft.client_id):
        row["sent_as"] = draft.sent_as
    if carried := group.found.get(position):
        row["reply_to_id"] = draft.reply_to
        if carried.attachments:
            row["attachments"] = message_parts.as_json(carried.attachments)
        if carried.mentions:
            row["mentions"] = [one.user_id for one in carried.mentions]
    return row


def _follow_up(room_id: UUID, fresh: Sequence[Posted]) -> None:
    """Assign files to their messages, and publish events of mentions and replies."""
    message_parts.attach({message.id: message.attachments for message in fresh if message.attachments})
    for message in fresh:
        if message.mentions or (message.reply_to is not None and message.reply_to.sender_id is not None):
            events.publish(MessageNoticed(message_id=message.id, room_id=room_id))


def announce(*, room_id: UUID, fresh: Sequence[Posted]) -> None:
    """Publish messages to every process with sockets in the room. Call it after the commit."""
    if fresh:
        realtime.post(realtime.room_channel(room_id), room_events.packed(fresh))


def post_messages(*, room_id: UUID, drafts: Sequence[Draft], now: datetime | None = None) -> Stored:
    """`store_messages`, published to the room after the commit. Raises RoomNotFound."""
    stored = store_messages(room_id=room_id, drafts=drafts, now=now)
    transaction.on_commit(lambda: announce(room_id=room_id, fresh=stored.fresh))
    return stored


def post_message(
    *,
    actor_id: UUID,
    slug: str,
    text: str,
    client_id: UUID | str | None = None,
    reply_to: UUID | None = None,
    attachments: Sequence[UUID] = (),
) -> tuple[Posted, bool]:
    """Post a message. Returns it and whether it is new.

    Raises RoomNotFound, NotAMember, Muted, InvalidMessage, InvalidReply, InvalidAttachment.
    """
    membership = selectors.get_membership(user_id=actor_id, slug=slug)
    draft = Draft(
        sender_id=actor_id,
        text=text,
        reply_to=reply_to,
        attachments=tuple(attachments),
        **_spelled(client_id),
    )
    posted, is_new = _post_one(membership.room_id, draft)
    if is_new:
        # The actor's own message is not unread if all before it were read. On sockets, clients send read marks.
        read_all = Membership.objects.filter(pk=membership.pk, read_seq=posted.seq - 1)
        read_all.update(read_seq=posted.seq)
    return posted, is_new


@transaction.atomic
def request_announcement(*, slug: str, text: str) -> None:
    """Have a worker post a message without a sender. Raises RoomNotFound, InvalidMessage."""
    room = selectors.get_room(slug=slug)
    events.publish(AnnouncementRequested(slug=room.slug, text=clean_text(text), client_id=uuid4()))


def post_system_message(*, slug: str, text: str, client_id: UUID | str | None = None) -> Posted:
    """Post a message without a sender. Raises RoomNotFound, InvalidMessage."""
    room = selectors.get_room(slug=slug)
    return _post_one(room.pk, Draft(sender_id=None, text=text, **_spelled(client_id)))[0]


def _spelled(client_id: UUID | str | None) -> dict[str, Any]:
    return {} if client_id is None else {"client_id": UUID(str(client_id)), "sent_as": str(client_id)}


def _post_one(room_id: UUID, draft: Draft) -> tuple[Posted, bool]:
    stored = post_messages(room_id=room_id, drafts=[draft])
    (outcome,) = stored.outcomes
    if not isinstance(outcome, Posted):
        raise outcome
    if not stored.fresh:
        # Posted before, and perhaps changed since.
        posted = selectors.get_posted(room_id=room_id, message_id=outcome.id)
        return replace(posted, client_id=draft.sent_as or draft.client_id), False
    return outcome, True
