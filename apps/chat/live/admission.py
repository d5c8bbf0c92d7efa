"""Judges handshakes: identifies the user and requires that they are a member of the room."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from apps.chat import policies, selectors
from apps.chat.models import SLUG_PATTERN
from apps.common.sockets import close_codes
from apps.users import selectors as users
from apps.users.types import SessionReference

_SLUG: Final = re.compile(SLUG_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A user who is a member of the room."""

    user_id: UUID
    name: str
    session_id: UUID
    room_id: UUID


Request = tuple[str | SessionReference | None, str]
"""The credential (an access token, or the session of a ticket) and the slug of the room."""


def admit(requests: Sequence[Request]) -> list[Participant | int]:
    """Judge many handshakes with one query for all sessions and one for all rooms.

    Returns for each a participant, or the code to close with.
    """
    found = users.list_session_users(proofs=[proof for proof, _ in requests])
    wanted = [
        (slug, user.user_id)
        for user, (_, slug) in zip(found, requests, strict=True)
        # Only valid slugs are looked up: a null character would fail the query for all.
        if user is not None and _SLUG.fullmatch(slug)
    ]
    lookups = selectors.list_membership_lookups(wanted=wanted) if wanted else {}
    judged: list[Participant | int] = []
    for user, (_, slug) in zip(found, requests, strict=True):
        if user is None:
            judged.append(close_codes.NOT_AUTHENTICATED)
            continue
        lookup = lookups.get((slug, user.user_id))
        if lookup is None or not policies.may_see_room(
            is_private=lookup.is_private, is_member=lookup.is_member
        ):
            judged.append(close_codes.NO_SUCH_ROOM)
        elif not lookup.is_member:
            judged.append(close_codes.NOT_A_MEMBER)
        else:
            judged.append(
                Participant(
                    user_id=user.user_id,
                    name=user.name,
                    session_id=user.session_id,
                    room_id=lookup.room_id,
                )
            )
    return judged
