"""Reads handshakes: their origin, their token, and the newest number that the client has. Verifies no token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from apps.common import rate_limits
from apps.common.sockets import close_codes
from infrastructure.product import PRODUCT

BEARER: Final = "bearer"
_MAX_PARAMETERS: Final = 20
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeRequest:
    """The request of a client.

    Attributes:
        token: The access token, or empty.
        ticket: A single-use ticket, or empty. Ignored if there is a token.
        subprotocol: The subprotocol of the answer.
        is_version_supported: False if the client offers only other versions of the protocol.
        after, changes: The newest number, and the newest change, that the client has; None without the parameter.
        invalid: Those of `after` and `changes` that are not numbers.
    """

    token: str
    ticket: str
    subprotocol: str | None
    is_version_supported: bool
    after: int | None
    changes: int | None
    invalid: tuple[str, ...]


def read(scope: Mapping[str, Any], *, protocol: str) -> HandshakeRequest:
    """Read a handshake for a socket with the subprotocol `protocol` (`<name>.v<n>`)."""
    offered: Sequence[str] = scope.get("subprotocols", ())
    # Earlier releases prefixed the protocol with the product's slug.
    supported = (protocol, *(f"{slug}.{protocol}" for slug in PRODUCT.formerly))
    families = tuple(f"{name.rpartition('.')[0]}." for name in supported)
    parameters = _parameters(scope)
    numbers = {name: _number(parameters[name][0]) for name in ("after", "changes") if name in parameters}
    return HandshakeRequest(
        token=_token(scope, offered, parameters),
        ticket=parameters.get("ticket", [""])[0],
        subprotocol=next((name for name in (*supported, BEARER) if name in offered), None),
        is_version_supported=any(name in offered for name in supported)
        or not any(name.startswith(families) for name in offered),
        after=numbers.get("after"),
        changes=numbers.get("changes"),
        invalid=tuple(name for name, number in numbers.items() if number is None),
    )


def is_same_site(scope: Mapping[str, Any]) -> bool:
    """Whether the Origin is absent, the site's own, or allowed by CORS. Prevents cross-site WebSocket hijacking."""
    given = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"origin"]
    allowed = settings.CORS_ZONE_ORIGINS
    if not given or "*" in allowed:
        return True
    if len(given) > 1:
        return False
    if given[0] in allowed:
        return True
    origin = _origin(given[0])
    if origin is None:
        return False
    if any(origin == _origin(url.lower()) for url in (settings.PUBLIC_URL, *allowed)):
        return True
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
    # Only an allowed host: another site could resolve its own name to this address.
    return origin == _origin(f"{origin[0]}://{host}") and validate_host(
        split_domain_port(host)[0], settings.ALLOWED_HOSTS
    )


async def count_refusal(address: str) -> int:
    """Count an invalid token against the client's address.

    Returns the close code: 4401, or 4429 after the address has exceeded SOCKET_REFUSED_RATES over all processes.
    """
    quota = await asyncio.to_thread(
        rate_limits.count,
        scope="sockets:refused",
        key=f"address:{address}",
        rates=settings.SOCKET_REFUSED_RATES,
    )
    return close_codes.TOO_FAST if quota.is_exceeded else close_codes.NOT_AUTHENTICATED


def _token(scope: Mapping[str, Any], offered: Sequence[str], parameters: Mapping[str, Sequence[str]]) -> str:
    """The token of the Authorization header, else of the subprotocols `bearer, <token>`, else of `?token=`."""
    scheme, _, token = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == BEARER and token.strip():
        return str(token.strip())
    for position, name in enumerate(offered[:-1]):
        if name == BEARER:
            return offered[position + 1]
    return parameters.get("token", [""])[0]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else None


def _parameters(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    """The parameters of the query; empty if there are more than _MAX_PARAMETERS."""
    if not scope.get("query_string"):
        return {}
    try:
        return parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return {}


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port, also a default port; None for an invalid origin (RFC 6454, section 4)."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # `http://[::1`
        return None
    if port is None or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port
