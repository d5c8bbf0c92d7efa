"""The address of the client, from the connection or from trusted proxies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "unknown"


def client_address(source: HttpRequest | Mapping[str, Any]) -> str:
    """The key of a client in rate limits: its IPv4 address, or the /64 network of its IPv6 address.

    Takes a Django request or an ASGI scope. With TRUSTED_PROXY_COUNT = n, the client is the n-th last entry of
    X-Forwarded-For, because the trusted proxies wrote the last n, and the client can forge those before.
    `"unknown"` for a Unix socket without trusted proxies.
    """
    if isinstance(source, HttpRequest):
        peer = source.META.get("REMOTE_ADDR") or ""
        forwarded = source.META.get("HTTP_X_FORWARDED_FOR") or ""
    else:
        peer = (source.get("client") or ("",))[0]
        headers = source.get("headers", ())
        forwarded = ",".join(value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for")
    return _key(peer, forwarded, settings.TRUSTED_PROXY_COUNT)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The network of an address (/24, IPv6 /64), by which users recognise their own. Empty for an invalid address."""
    try:
        network = ip_network(address, strict=False)
    except ValueError:
        return ""
    return str(network.supernet(new_prefix=24 if network.version == 4 else 64))


@lru_cache(maxsize=4096)
def _key(peer: str, forwarded: str, proxies: int) -> str:
    entries = forwarded.split(",") if proxies else [""]
    # With fewer entries than proxies, the request bypassed some of them: take the first entry.
    address = _canonical(entries[-min(proxies, len(entries))]) or _canonical(peer) or UNKNOWN
    return f"{IPv6Address(int(IPv6Address(address)) >> 64 << 64)}/64" if ":" in address else address


def _canonical(text: str) -> str:
    """The canonical form of an address, without port and zone. Empty for an invalid address."""
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
