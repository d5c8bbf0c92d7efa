"""Where a call comes from: the client's address, believed only as far as the trusted proxies vouch for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "unknown"


def client_address(source: HttpRequest | Mapping[str, Any]) -> str:
    """The key that limits count a client by: its IPv4 address, or the /64 network of its IPv6 address.

    Takes a Django request or an ASGI scope. With TRUSTED_PROXY_COUNT = n, the n-th last entry of X-Forwarded-For is
    the client, since the last n were written by the trusted proxies; whatever stands before is the client's own word.
    `"unknown"` when there is no peer address (a Unix socket) and no trusted proxy.
    """
    return _network(exact_address(source))


def exact_address(source: HttpRequest | Mapping[str, Any]) -> str:
    """The client's full address in canonical form; `"unknown"` where there is none."""
    if isinstance(source, HttpRequest):
        return _resolve(
            source.META.get("REMOTE_ADDR") or "",
            source.META.get("HTTP_X_FORWARDED_FOR") or "",
            settings.TRUSTED_PROXY_COUNT,
        )
    peer = source.get("client")
    forwarded = ",".join(
        value.decode("latin-1") for name, value in source.get("headers", ()) if name == b"x-forwarded-for"
    )
    return _resolve(peer[0] if peer else "", forwarded, settings.TRUSTED_PROXY_COUNT)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The network of an address (or of `client_address`), as much as a person needs to know their own: /24, IPv6 /64.

    Empty for what is no address.
    """
    try:
        network = ip_network(address, strict=False)
    except ValueError:
        return ""
    return str(network.supernet(new_prefix=24 if network.version == 4 else 64))


@lru_cache(maxsize=4096)
def _resolve(peer: str, forwarded: str, proxies: int) -> str:
    if proxies and forwarded:
        entries = [entry.strip() for entry in forwarded.split(",")]
        # Fewer entries than proxies: some were passed by; the earliest is then the best that is vouched for.
        return _canonical(entries[-min(proxies, len(entries))]) or _canonical(peer) or UNKNOWN
    return _canonical(peer) or UNKNOWN


def _canonical(text: str) -> str:
    """One spelling for each address, without port and zone; empty for what is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    if ":" not in address:
        return address
    network = int(IPv6Address(address)) >> 64 << 64
    return f"{IPv6Address(network)}/64"
