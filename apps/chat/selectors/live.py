"""What the live rooms ask the database: at a handshake, behind a gap, and when they compare themselves with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
from django.db import connection
from django.db.models.functions import Greatest
from django.utils import timezone

from apps.chat.models import Message, Room
from apps.chat.selectors.messages import as_posted, list_messages
from apps.chat.types import Head, MembershipLookup, Posted
from apps.users import selectors as users

_LOOKUPS = """
SELECT wanted.slug, wanted.user_id, room.id, room.is_private, member.id IS NOT NULL
FROM unnest(%s::text[], %s::uuid[]) AS wanted (slug, user_id)
JOIN chat_room room ON room.slug = wanted.slug
LEFT JOIN chat_membership member ON member.room_id = room.id AND member.user_id = wanted.user_id
"""
# Changes reach sockets within seconds; what is older was sent before the next message was.
_MAY_BE_UNDER_WAY: Final = timedelta(minutes=1)
# No row for those who are still members, which are nearly all of them, every few seconds.
_FORMER = """
SELECT room_id, user_id FROM json_to_recordset(%s::json) AS asked (room_id uuid, user_id uuid)
WHERE NOT EXISTS (
    SELECT FROM chat_membership member WHERE member.room_id = asked.room_id AND member.user_id = asked.user_id
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Sessions that have ended, (room id, user id) that are members no longer, where each room is."""

    ended_sessions: frozenset[UUID]
    former_members: frozenset[tuple[UUID, UUID]]
    heads: Mapping[UUID, Head]


def list_posted_after(*, room_id: UUID, after: int, limit: int) -> list[Posted]:
    """Up to `limit` messages that follow number `after`."""
    return as_posted(list(list_messages(room_id=room_id).filter(seq__gt=after)[:limit]))


def list_changed_after(*, room_id: UUID, after: int, limit: int) -> list[Posted]:
    """Up to `limit` messages that changed after change number `after`, in the order of their last changes."""
    changed = list_messages(room_id=room_id).filter(change__gt=after)
    return as_posted(list(changed.order_by("change")[:limit]))


def list_missed_changes(
    *, room_id: UUID, seq: int, after: int | None, up_to: int, limit: int, now: datetime | None = None
) -> list[Posted]:
    """The same for a socket that has the messages up to `seq`, and only changes up to `up_to`.

    `after` None: the socket does not know its last change. It has seen those made before message `seq` was the newest.
    """
    if after is None:
        after = _last_change_before(room_id, seq, now or timezone.now())
    changed = list_messages(room_id=room_id).filter(change__gt=after, change__lte=up_to, seq__lte=seq)
    return as_posted(list(changed.order_by("change")[:limit]))


def _last_change_before(room_id: UUID, seq: int, now: datetime) -> int:
    """The newest change made before message `seq` was the newest. One that may be on its way to sockets does not count."""
    seen = Message.objects.filter(room_id=room_id, change__isnull=False, changed_at_head__lt=seq)
    seen = seen.alias(changed_at=Greatest("edited_at", "deleted_at")).filter(
        changed_at__lt=now - _MAY_BE_UNDER_WAY
    )
    return seen.order_by("-change").values_list("change", flat=True).first() or 0


def list_heads(*, room_ids: Collection[UUID]) -> dict[UUID, Head]:
    """Where each room is that exists."""
    rows = Room.objects.filter(pk__in=room_ids).values_list("pk", "head", "changes")
    return {room_id: Head(seq, change) for room_id, seq, change in rows}


def list_membership_lookups(
    *, wanted: Sequence[tuple[str, UUID]]
) -> dict[tuple[str, UUID], MembershipLookup]:
    """The room, and whether the user is a member, for many (slug, user id) at once. Unknown rooms are left out."""
    with connection.cursor() as cursor:
        # Two arrays, however many are asked for: the statement is prepared once.
        cursor.execute(_LOOKUPS, [[slug for slug, _ in wanted], [user_id for _, user_id in wanted]])
        return {
            (slug, user_id): MembershipLookup(room_id=room_id, is_private=is_private, is_member=is_member)
            for slug, user_id, room_id, is_private, is_member in cursor.fetchall()
        }


def list_former_members(*, pairs: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Which of these (room id, user id) are no memberships, by one query however many there are."""
    asked = [{"room_id": room_id, "user_id": user_id} for room_id, user_id in pairs]
    if not asked:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_FORMER, [orjson.dumps(asked).decode()])
        return set(cursor.fetchall())


def get_differences(
    *, session_ids: set[UUID], members: set[tuple[UUID, UUID]], room_ids: set[UUID]
) -> Differences:
    """What the database says of a process's sockets, in three queries. A room that is missing in `heads` was deleted."""
    return Differences(
        ended_sessions=frozenset(users.list_dead_sessions(session_ids=session_ids)),
        former_members=frozenset(list_former_members(pairs=members)),
        heads=list_heads(room_ids=room_ids),
    )
