"""The two halves of a sign-in: sending a browser to a provider, and reading its response."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from infrastructure.oauth.errors import ResponseRefused
from infrastructure.oauth.providers import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The URL to send the browser to, and the values to keep until it returns."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A user of a provider. `issuer` and `subject` identify them permanently; the rest may change."""

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    name: str


def begin(provider: Provider) -> Begun:
    """Start a sign-in: state against forged callbacks, nonce against replayed ID tokens, PKCE against stolen codes.

    Raises ProviderUnreachable.
    """
    # Authlib and its HTTP client take 30 MB and half a second: only a process that uses a provider loads them.
    from infrastructure.oauth.session import ProviderSession

    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with ProviderSession(provider) as session:
        url = session.authorization_url(state=state, nonce=nonce, verifier=verifier)
    return Begun(url=url, state=state, nonce=nonce, verifier=verifier)


def finish(provider: Provider, *, code: str, issuer: str, nonce: str, verifier: str) -> Identity:
    """Exchange the code for tokens, and return the user that they belong to.

    Args:
        issuer: The `iss` that came with the code (RFC 9207); empty if none came, which is allowed only for a provider that
            does not promise it.

    Raises ProviderUnreachable, ResponseRefused.
    """
    from infrastructure.oauth.session import ProviderSession

    with ProviderSession(provider) as session:
        if issuer != provider.issuer and (issuer or session.sends_issuer):
            raise ResponseRefused("the code is another issuer's")
        session.exchange_code(code, verifier)
        claims = session.id_token(nonce) if provider.is_openid else session.user()
    return _identity(provider, claims)


def _identity(provider: Provider, claims: dict[str, Any]) -> Identity:
    subject, email, name = claims.get(provider.subject_claim), claims.get("email"), claims.get("name")
    if isinstance(subject, int) and not isinstance(subject, bool):
        subject = str(subject)  # GitHub numbers its users
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise ResponseRefused("the subject is no text of up to 255 characters")
    return Identity(
        issuer=provider.issuer,
        subject=subject,
        email=email if isinstance(email, str) else "",
        is_email_verified=claims.get("email_verified") is True,
        name=name if isinstance(name, str) else "",
    )
