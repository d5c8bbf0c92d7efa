"""The table of providers, from OIDC_PROVIDERS. What is wrong with it is said when the process starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_REQUIRED: Final = frozenset({"name", "issuer", "client_id"})
_OPTIONAL: Final = frozenset({"title", "client_secret", "scopes", "redirect_uri", "algorithms"})
# Signatures that only the provider can make; `none` and HMACs under the client's secret are not among them.
ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"}
)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class UnknownProvider(LookupError):
    """The table has no provider of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One row.

    Attributes:
        name: In paths of the API; part of the redirect URI, so that no two providers share one (RFC 9700, section 4.4).
        title: For people.
        issuer: Compared exactly with what the provider says of itself.
        client_secret: Empty for a public client.
        redirect_uri: Where the provider sends the browser back to; registered there, letter by letter.
        algorithms: Of ID tokens.
    """

    name: str
    title: str
    issuer: str
    client_id: str
    client_secret: str
    scopes: tuple[str, ...]
    redirect_uri: str
    algorithms: tuple[str, ...]


def is_safe(url: str) -> bool:
    """Whether a URL is one that secrets may be sent to: HTTPS, or a server on this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def providers() -> dict[str, Provider]:
    """All of them by name. Raises ImproperlyConfigured."""
    return _table(orjson.dumps(settings.OIDC_PROVIDERS), settings.PUBLIC_URL)


def provider(name: str) -> Provider:
    """One of them. Raises UnknownProvider."""
    try:
        return providers()[name]
    except KeyError:
        raise UnknownProvider(name) from None


@lru_cache(maxsize=8)
def _table(rows: bytes, site: str) -> dict[str, Provider]:
    table: dict[str, Provider] = {}
    entries = orjson.loads(rows)
    if not isinstance(entries, list):
        raise ImproperlyConfigured("OIDC_PROVIDERS has to be a list.")
    for entry in entries:
        row = _row(entry, site)
        if row.name in table:
            raise ImproperlyConfigured(f"OIDC_PROVIDERS names {row.name!r} twice.")
        table[row.name] = row
    return table


def _row(entry: Any, site: str) -> Provider:
    if not isinstance(entry, Mapping) or not _REQUIRED <= entry.keys() <= _REQUIRED | _OPTIONAL:
        raise ImproperlyConfigured(
            f"Each of OIDC_PROVIDERS has {', '.join(sorted(_REQUIRED))}, and may have {', '.join(sorted(_OPTIONAL))}."
        )
    name = str(entry["name"])
    row = Provider(
        name=name,
        title=str(entry.get("title") or name.title()),
        issuer=str(entry["issuer"]),
        client_id=str(entry["client_id"]),
        client_secret=str(entry.get("client_secret", "")),
        scopes=tuple(entry.get("scopes") or ("openid", "email", "profile")),
        redirect_uri=str(entry.get("redirect_uri") or f"{site}/?oidc={name}"),
        algorithms=tuple(entry.get("algorithms") or ("RS256", "ES256", "EdDSA")),
    )
    if not _NAME.fullmatch(name):
        raise ImproperlyConfigured(f"OIDC_PROVIDERS: {name!r} is no name of letters, digits and hyphens.")
    if not is_safe(row.issuer):
        raise ImproperlyConfigured(f"OIDC_PROVIDERS: the issuer of {name!r} is no https:// address.")
    if not row.client_id or "openid" not in row.scopes:
        raise ImproperlyConfigured(f"OIDC_PROVIDERS: {name!r} lacks its client_id, or the scope openid.")
    if not set(row.algorithms) <= ALGORITHMS:
        raise ImproperlyConfigured(
            f"OIDC_PROVIDERS: {name!r} takes algorithms other than {sorted(ALGORITHMS)}."
        )
    return row
