"""What the database says about the sockets of a process: three queries, however many sockets there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from apps.chat import selectors
from apps.users import selectors as users


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Sessions that ended, (room id, user id) that are members no longer, the newest number of each room."""

    ended_sessions: frozenset[UUID]
    former_members: frozenset[tuple[UUID, UUID]]
    heads: Mapping[UUID, int]


def compare(*, session_ids: set[UUID], members: set[tuple[UUID, UUID]], room_ids: set[UUID]) -> Differences:
    """Look them all up. A room that is missing in `heads` was deleted."""
    return Differences(
        ended_sessions=frozenset(users.list_dead_sessions(session_ids=session_ids)),
        former_members=frozenset(selectors.list_former_members(pairs=members)),
        heads=selectors.list_heads(room_ids=room_ids),
    )
