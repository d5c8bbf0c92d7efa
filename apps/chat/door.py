"""The handshake of a socket: who it is, whether the room is theirs. What follows is the consumer's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from apps.chat import policies, selectors, wire
from apps.chat.models import SLUG_PATTERN
from apps.common import handshakes
from apps.users import selectors as users
from infrastructure import on_demand

if TYPE_CHECKING:
    from infrastructure import joined_writes
else:
    joined_writes = on_demand.module("infrastructure.joined_writes")

NOT_AUTHENTICATED: Final = 4401
NOT_A_MEMBER: Final = 4403
NO_SUCH_ROOM: Final = 4404
TOO_MANY_SOCKETS: Final = 4409
TOO_FAST: Final = 4429
TOO_BIG: Final = 1009
UNKNOWN_VERSION: Final = handshakes.UNKNOWN_VERSION
SESSION_ENDED: Final = 4408
RESTART: Final = 1012
LAGGING: Final = 1013

_SLUG: Final = re.compile(SLUG_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """What a handshake asks for."""

    slug: str
    token: str
    subprotocol: str | None
    is_version_spoken: bool
    after: int | None
    is_after_valid: bool
    is_joined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Someone who may be in the room."""

    user_id: UUID
    name: str
    session_id: UUID
    room_id: UUID


@dataclass(frozen=True, slots=True)
class Refusal:
    """Someone who may not; `code` closes the socket."""

    code: int


def read(scope: Mapping[str, Any]) -> Knock:
    """What the handshake says."""
    after, is_valid = handshakes.after_of(scope)
    return Knock(
        slug=scope["url_route"]["kwargs"]["slug"],
        token=handshakes.token_of(scope),
        subprotocol=handshakes.subprotocol_of(scope, protocol=wire.PROTOCOL),
        is_version_spoken=handshakes.is_version_spoken(scope, protocol=wire.PROTOCOL),
        after=after,
        is_after_valid=is_valid,
        is_joined=joined_writes.EXTENSION in scope.get("extensions", ()),
    )


def admit(knocks: Sequence[tuple[str, str]]) -> list[Guest | Refusal]:
    """Judge many (token, slug) at once: a query for all the tokens, and one for all the rooms."""
    visitors = users.list_visitors(given=[token for token, _ in knocks])
    wanted = [
        (slug, visitor.user_id)
        for visitor, (_, slug) in zip(visitors, knocks, strict=True)
        # What cannot be a slug is not asked for: one null character would fail the query for all.
        if visitor is not None and _SLUG.fullmatch(slug)
    ]
    seats = selectors.list_seats(wanted=wanted) if wanted else {}
    judged: list[Guest | Refusal] = []
    for visitor, (_, slug) in zip(visitors, knocks, strict=True):
        if visitor is None:
            judged.append(Refusal(NOT_AUTHENTICATED))
            continue
        seat = seats.get((slug, visitor.user_id))
        if seat is None or not policies.may_see_room(is_private=seat.is_private, is_member=seat.is_member):
            judged.append(Refusal(NO_SUCH_ROOM))
        elif not seat.is_member:
            judged.append(Refusal(NOT_A_MEMBER))
        else:
            judged.append(
                Guest(
                    user_id=visitor.user_id,
                    name=visitor.name,
                    session_id=visitor.session_id,
                    room_id=seat.room_id,
                )
            )
    return judged
