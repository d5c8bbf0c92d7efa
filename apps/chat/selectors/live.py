"""Queries of live rooms: handshakes, gaps, replays, and the periodic comparison with the database."""

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
# Changes reach sockets within seconds; older ones were sent before the next message.
_MAY_BE_UNDER_WAY: Final = timedelta(minutes=1)
# Returns no row for current members, who are nearly all, since it runs every few seconds.
_FORMER = """
SELECT room_id, user_id FROM json_to_recordset(%s::json) AS asked (room_id uuid, user_id uuid)
WHERE NOT EXISTS (
    SELECT FROM chat_membership member WHERE member.room_id = asked.room_id AND member.user_id = asked.user_id
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Ended sessions, former members as (room id, user id), and the head of each room."""

    ended_sessions: frozenset[UUID]
    former_members: frozenset[tuple[UUID, UUID]]
    heads: Mapping[UUID, Head]


def list_posted_after(*, room_id: UUID, after: int, limit: int) -> list[Posted]:
    """Returns the messages that follow number `after`, `limit` at most."""
    return as_posted(list(list_messages(room_id=room_id).filter(seq__gt=after)[:limit]))


def list_changed_after(*, room_id: UUID, after: int, limit: int) -> list[Posted]:
    """Returns the messages that changed after change `after`, by their last change, `limit` at most."""
    changed = list_messages(room_id=room_id).filter(change__gt=after)
    return as_posted(list(changed.order_by("change")[:limit]))


def list_missed_changes(
    *, room_id: UUID, seq: int, after: int | None, up_to: int, limit: int, now: datetime | None = None
) -> list[Posted]:
    """`list_changed_after` for a socket that has the messages up to `seq`, with changes up to `up_to`.

    `after` None: the socket does not know its last change. It has seen those made before message `seq` was the newest.
    """
    if after is None:
        after = _last_change_before(room_id, seq, now or timezone.now())
    changed = list_messages(room_id=room_id).filter(change__gt=after, change__lte=up_to, seq__lte=seq)
    return as_posted(list(changed.order_by("change")[:limit]))


def _last_change_before(room_id: UUID, seq: int, now: datetime) -> int:
    """The newest change made before message `seq` was the newest, without changes of the last minute."""
    seen = Message.objects.filter(room_id=room_id, change__isnull=False, changed_at_head__lt=seq)
    seen = seen.alias(changed_at=Greatest("edited_at", "deleted_at")).filter(
        changed_at__lt=now - _MAY_BE_UNDER_WAY
    )
    return seen.order_by("-change").values_list("change", flat=True).first() or 0


def list_heads(*, room_ids: Collection[UUID]) -> dict[UUID, Head]:
    rows = Room.objects.filter(pk__in=room_ids).values_list("pk", "head", "changes")
    return {room_id: Head(seq, change) for room_id, seq, change in rows}


def list_membership_lookups(
    *, wanted: Sequence[tuple[str, UUID]]
) -> dict[tuple[str, UUID], MembershipLookup]:
    """Returns room and membership by (slug, user id). Unknown rooms are left out."""
    with connection.cursor() as cursor:
        # Always two arrays, so that the statement is prepared once.
        cursor.execute(_LOOKUPS, [[slug for slug, _ in wanted], [user_id for _, user_id in wanted]])
        return {
            (slug, user_id): MembershipLookup(room_id=room_id, is_private=is_private, is_member=is_member)
            for slug, user_id, room_id, is_private, is_member in cursor.fetchall()
        }


def list_former_members(*, pairs: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Returns those (room id, user id) that are not memberships, with one query."""
    asked = [{"room_id": room_id, "user_id": user_id} for room_id, user_id in pairs]
    if not asked:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_FORMER, [orjson.dumps(asked).decode()])
        return set(cursor.fetchall())


def get_differences(
    *, session_ids: set[UUID], members: set[tuple[UUID, UUID]], room_ids: set[UUID]
) -> Differences:
    """Compares a process's sockets with the database in three queries. A room missing in `heads` was deleted."""
    return Differences(
        ended_sessions=frozenset(users.list_dead_sessions(session_ids=session_ids)),
        former_members=frozenset(list_former_members(pairs=members)),
        heads=list_heads(room_ids=room_ids),
    )
