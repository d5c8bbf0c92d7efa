"""Tickets: one-time secrets for opening a connection, for clients such as browsers that cannot set headers on it.

A ticket belongs to a session, so the connection ends with the session. It is part of a URL, so it is short-lived and works
once. Redis keeps only its digest. Without Redis there are no tickets: a signed one would open as many connections as there
are processes (docs/adr/0022).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from apps.common.callers import Caller
from apps.common.exceptions import Denied, Unavailable
from apps.users.types import SessionReference, Ticket
from infrastructure import token as tokens
from infrastructure.cache import one_time
from infrastructure.product import PRODUCT

SECONDS: Final = 30


def issue_ticket(*, actor: Caller) -> Ticket:
    """Create a ticket for the actor's session. Raises Unavailable without Redis, Denied without a session."""
    if actor.session_id is None:
        raise Denied
    word = tokens.new_token()
    try:
        one_time.put(_key(word), f"{actor.user.pk}:{actor.session_id}".encode(), seconds=SECONDS)
    except one_time.StoreUnavailable:
        raise Unavailable from None
    return Ticket(ticket=word, expires_in=SECONDS)


def redeem_ticket(*, ticket: str) -> SessionReference | None:
    """The session of a ticket; None when it was used, has expired or is unknown. Raises Unavailable.

    Callers check whether the session is live.
    """
    try:
        found = one_time.take(_key(ticket))
    except one_time.StoreUnavailable:
        raise Unavailable from None
    if found is None:
        return None
    user_id, _, session_id = found.decode().partition(":")
    return SessionReference(user_id=UUID(user_id), session_id=UUID(session_id))


def _key(word: str) -> str:
    return f"{PRODUCT.slug}:ticket:{tokens.digest(word).hex()}"
