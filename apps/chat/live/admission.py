"""The handshake of a socket: who it is, whether the room is theirs. What follows is the consumer's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from apps.chat import policies, protocol, selectors
from apps.chat.models import SLUG_PATTERN
from apps.common.sockets import handshake
from apps.users import selectors as users
from infrastructure import lazy_import

if TYPE_CHECKING:
    from infrastructure.server import websocket_protocol
else:
    websocket_protocol = lazy_import.module("infrastructure.server.websocket_protocol")

NOT_AUTHENTICATED: Final = 4401
NOT_A_MEMBER: Final = 4403
NO_SUCH_ROOM: Final = 4404
TOO_MANY_SOCKETS: Final = 4409
TOO_FAST: Final = 4429
TOO_BIG: Final = 1009
UNKNOWN_VERSION: Final = handshake.UNKNOWN_VERSION
SESSION_ENDED: Final = 4408
RESTART: Final = 1012
LAGGING: Final = 1013

_SLUG: Final = re.compile(SLUG_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeRequest:
    """What a handshake asks for."""

    slug: str
    token: str
    subprotocol: str | None
    is_version_spoken: bool
    after: int | None
    is_after_valid: bool
    is_joined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Someone who may be in the room."""

    user_id: UUID
    name: str
    session_id: UUID
    room_id: UUID


@dataclass(frozen=True, slots=True)
class Refusal:
    """Someone who may not; `code` closes the socket."""

    code: int


def read(scope: Mapping[str, Any]) -> HandshakeRequest:
    """What the handshake says."""
    after, is_valid = handshake.after_of(scope)
    return HandshakeRequest(
        slug=scope["url_route"]["kwargs"]["slug"],
        token=handshake.token_of(scope),
        subprotocol=handshake.subprotocol_of(scope, protocol=protocol.PROTOCOL),
        is_version_spoken=handshake.is_version_spoken(scope, protocol=protocol.PROTOCOL),
        after=after,
        is_after_valid=is_valid,
        is_joined=websocket_protocol.EXTENSION in scope.get("extensions", ()),
    )


def admit(requests: Sequence[tuple[str, str]]) -> list[Participant | Refusal]:
    """Judge many (token, slug) at once: a query for all the tokens, and one for all the rooms."""
    visitors = users.list_visitors(given=[token for token, _ in requests])
    wanted = [
        (slug, visitor.user_id)
        for visitor, (_, slug) in zip(visitors, requests, strict=True)
        # What cannot be a slug is not asked for: one null character would fail the query for all.
        if visitor is not None and _SLUG.fullmatch(slug)
    ]
    lookups = selectors.list_membership_lookups(wanted=wanted) if wanted else {}
    judged: list[Participant | Refusal] = []
    for visitor, (_, slug) in zip(visitors, requests, strict=True):
        if visitor is None:
            judged.append(Refusal(NOT_AUTHENTICATED))
            continue
        lookup = lookups.get((slug, visitor.user_id))
        if lookup is None or not policies.may_see_room(
            is_private=lookup.is_private, is_member=lookup.is_member
        ):
            judged.append(Refusal(NO_SUCH_ROOM))
        elif not lookup.is_member:
            judged.append(Refusal(NOT_A_MEMBER))
        else:
            judged.append(
                Participant(
                    user_id=visitor.user_id,
                    name=visitor.name,
                    session_id=visitor.session_id,
                    room_id=lookup.room_id,
                )
            )
    return judged
