"""The table of providers, read from JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
# Signatures that only the provider can make; `none` and HMACs under the client's secret are not among them.
ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"}
)
_AUTH_METHODS: Final = ("client_secret_post", "client_secret_basic")
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
_REQUIRED: Final = ("name", "issuer", "client_id")
_OPTIONAL: Final = ("type", "title", "client_secret", "scopes", "redirect_uri")
_LISTS: Final = ("scopes", "algorithms")
# The optional and the defaulted keys of each type.
_OPENID: Final = ("algorithms",)
_OAUTH2: Final = (*_ENDPOINTS, "emails_endpoint", "subject_claim", "token_endpoint_auth_method")
_TYPES: Final[dict[str, dict[str, Any]]] = {
    "oidc": {"scopes": ["openid", "email", "profile"], "algorithms": ["RS256", "ES256", "EdDSA"]},
    "oauth2": {"scopes": [], "subject_claim": "sub", "token_endpoint_auth_method": "client_secret_post"},
    "github": {
        "name": "github",
        "title": "GitHub",
        "issuer": "https://github.com/login/oauth",
        "authorization_endpoint": "https://github.com/login/oauth/authorize",
        "token_endpoint": "https://github.com/login/oauth/access_token",
        "token_endpoint_auth_method": "client_secret_post",
        "userinfo_endpoint": "https://api.github.com/user",
        "emails_endpoint": "https://api.github.com/user/emails",
        "subject_claim": "id",
        "scopes": ["read:user", "user:email"],
    },
}


class ProviderTableError(ValueError):
    """The table is invalid. The message names the row, and no value that may be secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One row.

    Attributes:
        name: In paths of the API; part of the redirect URI, so that no two providers share one (RFC 9700, section 4.4).
        type: "oidc", or the name of a kind of plain OAuth 2.0.
        title: The name that users see.
        issuer: Compared exactly with what an OpenID provider publishes, and with the `iss` that comes with a code.
        client_secret: Empty for a public client.
        redirect_uri: Where the provider sends the browser back to; registered there, character for character.
        algorithms: Of ID tokens.
        userinfo_endpoint: OAuth 2.0: a JSON object of the user, with `email`, `email_verified` and `name`.
        emails_endpoint: OAuth 2.0: a JSON list of addresses as GitHub's, used instead of `userinfo_endpoint`.
        subject_claim: The member of the user that identifies them permanently.
    """

    name: str
    issuer: str
    client_id: str
    redirect_uri: str
    title: str
    scopes: tuple[str, ...]
    type: str = "oidc"
    client_secret: str = ""
    algorithms: tuple[str, ...] = ()
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    token_endpoint_auth_method: str = ""
    userinfo_endpoint: str = ""
    emails_endpoint: str = ""
    subject_claim: str = "sub"

    @property
    def is_openid(self) -> bool:
        """Whether it returns an ID token, and publishes its endpoints and keys."""
        return self.type == "oidc"

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata that an OpenID provider would publish, by the same names."""
        return {
            "authorization_endpoint": self.authorization_endpoint,
            "token_endpoint": self.token_endpoint,
            "token_endpoint_auth_methods_supported": [self.token_endpoint_auth_method],
        }


def is_safe(url: str) -> bool:
    """Whether secrets may be sent to a URL: HTTPS, or a server on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def providers(rows: object, *, site: str) -> dict[str, Provider]:
    """The providers by name; `site` is where they send browsers back to. Raises ProviderTableError."""
    return _table(orjson.dumps(rows), site)


@lru_cache(maxsize=8)
def _table(rows: bytes, site: str) -> dict[str, Provider]:
    table: dict[str, Provider] = {}
    entries = orjson.loads(rows)
    if not isinstance(entries, list):
        raise ProviderTableError("must be a list of objects")
    for entry in entries:
        row = _row(entry, site)
        if row.name in table:
            raise ProviderTableError(f"names {row.name!r} twice")
        table[row.name] = row
    return table


def _row(entry: Any, site: str) -> Provider:
    values = _values(entry)
    name = values["name"]
    values = {"title": name.title(), "redirect_uri": f"{site}/?oidc={name}", **values}
    row = Provider(**values)

    def refuse(why: str) -> None:
        raise ProviderTableError(f"has a row {name!r} that {why}")

    if not _NAME.fullmatch(name):
        refuse("is no name of letters, digits and hyphens")
    for key in ("issuer", "emails_endpoint", *_ENDPOINTS):
        if key in values and not is_safe(values[key]):
            refuse(f"has as {key} no https:// address")
    if row.is_openid and "openid" not in row.scopes:
        refuse("lacks the scope openid")
    if not set(row.algorithms) <= ALGORITHMS:
        refuse(f"takes algorithms other than {sorted(ALGORITHMS)}")
    if row.token_endpoint_auth_method not in ("", *_AUTH_METHODS):
        refuse(f"has a token_endpoint_auth_method that is none of {', '.join(_AUTH_METHODS)}")
    return row


def _values(entry: Any) -> dict[str, Any]:
    """The values of one row, completed by its type. Raises ProviderTableError for a row of another form."""
    kind = entry.get("type", "oidc") if isinstance(entry, dict) else ""
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ProviderTableError(
            f"must be a list of objects, and the type of each one of {', '.join(_TYPES)}"
        )
    said = {key: value for key, value in entry.items() if value not in ("", None, [])}
    values: dict[str, Any] = {**_TYPES[kind], **said}
    needed = _REQUIRED if kind == "oidc" else (*_REQUIRED, *_ENDPOINTS)
    allowed = {*needed, *_OPTIONAL, *(_OPENID if kind == "oidc" else _OAUTH2)}
    if not set(needed) <= values.keys() <= allowed:
        raise ProviderTableError(
            f"has a row of type {kind} that must say {', '.join(needed)}, and may say"
            f" {', '.join(sorted(allowed - set(needed)))}"
        )
    for key, value in values.items():
        texts = value if key in _LISTS and isinstance(value, list) else [value]
        if not all(isinstance(text, str) for text in texts) or (key in _LISTS) is not isinstance(value, list):
            raise ProviderTableError(
                f"has a row whose {key} is no {'list of texts' if key in _LISTS else 'text'}"
            )
    return {key: tuple(value) if key in _LISTS else value for key, value in values.items()}
