"""The handshake of a socket: where it comes from, who it is, whether the room is theirs. What follows is the consumer's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from apps.chat import selectors, wire
from apps.chat.models import SLUG_PATTERN
from apps.users import selectors as users
from infrastructure import joined_writes

NOT_AUTHENTICATED: Final = 4401
NOT_A_MEMBER: Final = 4403
NO_SUCH_ROOM: Final = 4404
TOO_MANY_SOCKETS: Final = 4409
TOO_FAST: Final = 4429
TOO_BIG: Final = 1009
RESTART: Final = 1012

_SLUG: Final = re.compile(SLUG_PATTERN)
_BEARER: Final = "bearer"
_MAX_PARAMETERS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """What a handshake asks for."""

    slug: str
    token: str
    subprotocol: str | None
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
    """The credential is the first found of: Authorization header, subprotocol `bearer, <token>`, `?token=`."""
    headers = dict(scope["headers"])
    offered: Sequence[str] = scope.get("subprotocols", ())
    query = _parameters(scope)
    after, is_valid = _number(query.get("after"))
    return Knock(
        slug=scope["url_route"]["kwargs"]["slug"],
        token=_from_header(headers) or _from_subprotocols(offered) or query.get("token", [""])[0],
        subprotocol=_chosen(offered),
        after=after,
        is_after_valid=is_valid,
        is_joined=joined_writes.EXTENSION in scope.get("extensions", ()),
    )


def is_from_here(scope: Mapping[str, Any]) -> bool:
    """Whether the page that opened the socket, if a browser names one, is the site's own or one that CORS admits.

    Without this, any page could open a socket in its visitor's name (cross-site WebSocket hijacking).
    """
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    if origin is None:
        return True
    text = origin.decode("latin-1").lower()
    if (
        text == settings.PUBLIC_URL.lower()
        or text in settings.CORS_ZONE_ORIGINS
        or "*" in settings.CORS_ZONE_ORIGINS
    ):
        return True
    host = headers.get(b"host", b"").decode("latin-1").lower()
    # The host has to be one of the site's names: otherwise a page could point its own name at this address.
    return (
        bool(host)
        and _host_of(text) == host
        and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
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
        if seat is None or (seat.is_private and not seat.is_member):
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


def _from_header(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == _BEARER else ""


def _from_subprotocols(offered: Sequence[str]) -> str:
    for position, name in enumerate(offered[:-1]):
        if name == _BEARER:
            return offered[position + 1]
    return ""


def _parameters(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    """The query string; more parameters than anyone needs are as good as none."""
    if not scope.get("query_string"):
        return {}
    try:
        return parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return {}


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # `http://[::1`
        return ""


def _chosen(offered: Iterable[str]) -> str | None:
    names = set(offered)
    return next((name for name in (wire.PROTOCOL, _BEARER) if name in names), None)


def _number(given: Sequence[str] | None) -> tuple[int | None, bool]:
    if given is None:
        return None, True
    text = given[0]
    if text.isascii() and text.isdigit() and len(text) <= 19:
        return int(text), True
    return None, False
