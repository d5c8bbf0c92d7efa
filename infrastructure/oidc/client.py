"""The two halves of a sign-in: what a browser is sent away with, and what becomes of what it comes back with.

HTTP is httpx's and signatures are PyJWT's, which reads the access tokens as well: one JOSE library to keep patched.
(authlib brings its own, and sessions of its own that calls below /api/ do not have.) Redirects are not followed, answers
are bounded, and what the provider says of itself is compared with the table before it is believed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import orjson

from infrastructure import lazy_import
from infrastructure.oidc.providers import Provider, is_safe

if TYPE_CHECKING:
    import jwt
else:
    jwt = lazy_import.module("jwt")

_TIMEOUT: Final = 5.0
_MAX_BYTES: Final = 512 * 1024
_FRESH: Final = 3600.0
_PAUSE: Final = 30.0
_LEEWAY: Final = 5
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OidcError(Exception):
    """Base: nobody is signed in. The text is for the log, not for people."""


class ProviderUnreachable(OidcError):
    """The provider does not answer, or not as a provider does."""


class ResponseRefused(OidcError):
    """What came back proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where to send the browser, and what has to be kept until it comes back."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the provider says it is. `issuer` and `subject` name them for good; the rest may change."""

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    name: str


@dataclass(slots=True)
class _Known:
    """What a provider has said of itself, and when."""

    metadata: dict[str, Any] = field(default_factory=dict)
    read_at: float = float("-inf")
    keys: dict[str, Any] = field(default_factory=dict)
    keys_read_at: float = float("-inf")


_known: dict[Provider, _Known] = {}
_lock = threading.Lock()


def begin(provider: Provider) -> Begun:
    """A new sign-in: state against forged callbacks, nonce against replayed ID tokens, PKCE (RFC 7636) against stolen codes.

    Raises ProviderUnreachable.
    """
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    endpoint = _metadata(provider)["authorization_endpoint"]
    joint = "&" if urlsplit(endpoint).query else "?"
    return Begun(url=f"{endpoint}{joint}{urlencode(query)}", state=state, nonce=nonce, verifier=verifier)


def finish(provider: Provider, *, code: str, issuer: str, nonce: str, verifier: str) -> Identity:
    """Trade the code for an ID token and read it.

    Args:
        issuer: The `iss` that came with the code (RFC 9207); empty for none, which a provider that sends it must not be.

    Raises ProviderUnreachable, ResponseRefused.
    """
    metadata = _metadata(provider)
    must_name_itself = metadata.get("authorization_response_iss_parameter_supported") is True
    if issuer != provider.issuer and (issuer or must_name_itself):
        raise ResponseRefused("the code is another issuer's")
    answer = _post_code(provider, metadata, code, verifier)
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise ResponseRefused("there is no ID token")
    return _identity(provider, _claims(provider, token), nonce)


def forget() -> None:
    """Ask every provider anew, what it says of itself and for its keys."""
    with _lock:
        _known.clear()


def _post_code(provider: Provider, metadata: dict[str, Any], code: str, verifier: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.redirect_uri,
        "code_verifier": verifier,
    }
    headers: dict[str, str] = {}
    methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if provider.client_secret and "client_secret_basic" in methods:
        # Both are form-encoded first: RFC 6749, section 2.3.1.
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        form["client_id"] = provider.client_id
        if provider.client_secret:
            form["client_secret"] = provider.client_secret
    return _fetch("POST", metadata["token_endpoint"], data=form, headers=headers)


def _claims(provider: Provider, token: str) -> dict[str, Any]:
    """The claims of an ID token that verifies (OpenID Connect Core, section 3.1.3.7). Raises ResponseRefused."""
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in provider.algorithms or "crit" in header:
            raise ResponseRefused("the ID token is signed in a way that is not taken")
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(provider, header.get("kid")),
            algorithms=list(provider.algorithms),
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=_LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise ResponseRefused(f"the ID token does not verify: {type(error).__name__}") from error
    # Meant for others as well, who are not trusted; or handed to somebody else, who passed it on.
    if claims["aud"] not in (provider.client_id, [provider.client_id]):
        raise ResponseRefused("the ID token is for others as well")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise ResponseRefused("the ID token was issued to another client")
    return claims


def _identity(provider: Provider, claims: dict[str, Any], nonce: str) -> Identity:
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise ResponseRefused("the ID token is of another sign-in")
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise ResponseRefused("the subject is no text of up to 255 characters")
    return Identity(
        issuer=provider.issuer,
        subject=subject,
        email=email if isinstance(email, str) else "",
        is_email_verified=claims.get("email_verified") is True,
        name=name if isinstance(name, str) else "",
    )


def _metadata(provider: Provider) -> dict[str, Any]:
    """What the provider says of itself (OpenID Connect Discovery 1.0), an hour old at most."""
    known = _remembered(provider)
    now = time.monotonic()
    if now - known.read_at > _FRESH:
        found = _fetch("GET", provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != provider.issuer:
            raise ProviderUnreachable("it says that it is another issuer")
        if not all(isinstance(found.get(name), str) and is_safe(found[name]) for name in _ENDPOINTS):
            raise ProviderUnreachable("one of its addresses is missing, or not safe")
        known.metadata, known.read_at = found, now
    return known.metadata


def _key(provider: Provider, kid: object) -> Any:
    """The key of that id. The set is read again for an id that is new, and at most every half minute."""
    known = _remembered(provider)
    for is_last in (False, True):
        age = time.monotonic() - known.keys_read_at
        if age > (_PAUSE if is_last else _FRESH):
            found = _fetch("GET", _metadata(provider)["jwks_uri"])
            try:
                keys = jwt.PyJWKSet.from_dict(found).keys
            except (jwt.PyJWTError, AttributeError, TypeError) as error:
                raise ProviderUnreachable("its key set cannot be read") from error
            known.keys = {str(key.key_id or ""): key for key in keys if key.public_key_use != "enc"}
            known.keys_read_at = time.monotonic()
        if kid is None and len(known.keys) == 1:
            return next(iter(known.keys.values()))
        if isinstance(kid, str) and kid in known.keys:
            return known.keys[kid]
    raise ResponseRefused("no key of the provider has the ID token's kid")


def _remembered(provider: Provider) -> _Known:
    with _lock:
        return _known.setdefault(provider, _Known())


def _fetch(method: str, url: str, **arguments: Any) -> dict[str, Any]:
    """One call, its answer a JSON object. Raises ResponseRefused for a refusal, ProviderUnreachable for all else."""
    import httpx  # only who signs in like this needs it; every process would load it, and rich with it

    headers = {"Accept": "application/json", **arguments.pop("headers", {})}
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as client,
            client.stream(method, url, headers=headers, **arguments) as response,
        ):
            body = b""
            for block in response.iter_bytes():
                body += block
                if len(body) > _MAX_BYTES:
                    raise ProviderUnreachable("its answer is too long")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderUnreachable(f"it does not answer: {type(error).__name__}") from error
    if method == "POST" and response.status_code in (400, 401, 403):
        raise ResponseRefused(f"the code was refused with {response.status_code}")
    if response.status_code != 200:
        raise ProviderUnreachable(f"it answers {response.status_code}")
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProviderUnreachable("its answer is no JSON") from error
    if not isinstance(answer, dict):
        raise ProviderUnreachable("its answer is no object")
    return answer
