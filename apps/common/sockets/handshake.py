"""What every WebSocket's handshake says: from which page, with which token, and where it left off. Judges no token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from infrastructure.cache.ratelimit import Rate, limiter

BEARER: Final = "bearer"
UNKNOWN_VERSION: Final = 4406
"""Closes a socket that can only speak versions of its protocol which are not spoken here."""
NOT_AUTHENTICATED: Final = 4401
TOO_FAST: Final = 4429
_MAX_PARAMETERS: Final = 20


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


async def refusal_of(address: str) -> int:
    """The close code for a token that does not hold, counted against `client_address` as a zone counts its refusals.

    4401, and 4429 once the address has shown as many as SOCKET_REFUSED_RATES allow, over all processes.
    """
    verdict = await asyncio.to_thread(
        limiter.hit,
        scope="sockets:refused",
        key=f"address:{address}",
        rates=_rates(tuple(settings.SOCKET_REFUSED_RATES)),
    )
    return NOT_AUTHENTICATED if verdict.allowed else TOO_FAST


@lru_cache(maxsize=8)
def _rates(texts: tuple[str, ...]) -> tuple[Rate, ...]:
    return tuple(Rate.parse(text) for text in texts)


def token_of(scope: Mapping[str, Any]) -> str:
    """The first found of: Authorization header, subprotocols `bearer, <token>`, `?token=`; empty without any."""
    scheme, _, token = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == BEARER and token.strip():
        return str(token.strip())
    offered: Sequence[str] = scope.get("subprotocols", ())
    for position, name in enumerate(offered[:-1]):
        if name == BEARER:
            return str(offered[position + 1])
    return str(parameters_of(scope).get("token", [""])[0])


def subprotocol_of(scope: Mapping[str, Any], *, protocol: str) -> str | None:
    """Which of the offered subprotocols is chosen: the protocol's own, else `bearer`."""
    names = set(scope.get("subprotocols", ()))
    return next((name for name in (protocol, BEARER) if name in names), None)


def is_version_spoken(scope: Mapping[str, Any], *, protocol: str) -> bool:
    """False for a client that offers versions of a protocol (`<name>.v<n>`), and this one is not among them."""
    offered = scope.get("subprotocols", ())
    family = f"{protocol.rpartition('.')[0]}."
    return protocol in offered or not any(name.startswith(family) for name in offered)


def after_of(scope: Mapping[str, Any]) -> tuple[int | None, bool]:
    """`?after=`, the number of what was seen last, and whether it is one; None without it."""
    given = parameters_of(scope).get("after")
    if given is None:
        return None, True
    text = given[0]
    if text.isascii() and text.isdigit() and len(text) <= 19:
        return int(text), True
    return None, False


def parameters_of(scope: Mapping[str, Any]) -> dict[str, list[str]]:
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
