"""Calls to a provider. Authlib builds them and reads the answers, joserfc verifies ID tokens (docs/adr/0012).

Answers are bounded, redirects are not followed, and the provider's metadata is compared with the table.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

import httpx2
import orjson
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet
from joserfc.jws import JWSRegistry
from joserfc.jwt import Token, decode

from infrastructure.oauth.errors import ProviderUnreachable, ResponseRefused
from infrastructure.oauth.providers import Provider, is_safe

_TIMEOUT: Final = 5.0
_MAX_BYTES: Final = 512 * 1024
_FRESH: Final = 3600.0
_PAUSE: Final = 30.0
_LEEWAY: Final = 5
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
# The authorities that sign certificates, read once: that takes 40 ms.
_TRUSTED: Final = httpx2.create_ssl_context()
_BASIC: Final = "client_secret_basic"
# Errors that Authlib and joserfc raise for malformed ID tokens.
_MALFORMED: Final = (
    AuthlibBaseError,
    JoseError,
    AttributeError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(slots=True)
class _Published:
    """The provider's published metadata, and when it was read."""

    metadata: dict[str, Any] = field(default_factory=dict)
    metadata_read_at: float = float("-inf")
    keys: KeySet = field(default_factory=lambda: KeySet([]))
    keys_read_at: float = float("-inf")


_published: dict[Provider, _Published] = {}
_lock = threading.Lock()


def forget() -> None:
    """Clear the cached metadata."""
    with _lock:
        _published.clear()


class ProviderSession(OAuth2Client):  # type: ignore[misc] # Authlib has no annotations
    """The calls of one sign-in to one provider. Raises only ProviderUnreachable and ResponseRefused."""

    def __init__(self, provider: Provider) -> None:
        with _lock:
            self._known = _published.setdefault(provider, _Published())
        self._provider = provider
        super().__init__(
            client_id=provider.client_id,
            client_secret=provider.client_secret,
            token_endpoint_auth_method="client_secret_post" if provider.client_secret else "none",
            code_challenge_method="S256",
            redirect_uri=provider.redirect_uri,
            scope=" ".join(provider.scopes),
            timeout=_TIMEOUT,
            verify=_TRUSTED,
        )

    @property
    def sends_issuer(self) -> bool:
        """Whether the provider promises an `iss` with each code."""
        return self._metadata().get("authorization_response_iss_parameter_supported") is True

    def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str:
        extra = {"nonce": nonce} if self._provider.is_openid else {}
        endpoint = self._metadata()["authorization_endpoint"]
        url: str = self.create_authorization_url(endpoint, state=state, code_verifier=verifier, **extra)[0]
        return url

    def exchange_code(self, code: str, verifier: str) -> None:
        """Exchange a code for tokens, which the session keeps."""
        metadata = self._metadata()
        methods = metadata.get("token_endpoint_auth_methods_supported")
        if self._provider.client_secret and (not isinstance(methods, list) or _BASIC in methods):
            # Form-encoded first, which Authlib leaves out: RFC 6749, section 2.3.1.
            self.token_endpoint_auth_method = _BASIC
            self.client_id = quote_plus(self._provider.client_id)
            self.client_secret = quote_plus(self._provider.client_secret)
        try:
            self.fetch_token(metadata["token_endpoint"], code=code, code_verifier=verifier)
        except AuthlibBaseError as error:
            raise ResponseRefused("the code is refused") from error
        except (TypeError, ValueError, RecursionError) as error:
            raise ProviderUnreachable("its answer is no token") from error
        if not all(isinstance(self.token.get(name, ""), str) for name in ("access_token", "token_type")):
            raise ProviderUnreachable("its answer is no token")

    def id_token(self, nonce: str) -> dict[str, Any]:
        """The verified claims of the ID token (OpenID Connect Core, section 3.1.3.7)."""
        client_id = self._provider.client_id
        try:
            token = self._decoded(self.token["id_token"])
            claims = CodeIDToken(
                token.claims,
                token.header,
                {"iss": {"value": self._provider.issuer}, "aud": {"value": client_id}},
                {"nonce": nonce, "client_id": client_id, "access_token": self.token.get("access_token")},
            )
            claims.validate(leeway=_LEEWAY)
        except _MALFORMED as error:
            raise ResponseRefused(f"the ID token does not verify: {type(error).__name__}") from error
        if "crit" in token.header or claims["aud"] not in (client_id, [client_id]):
            raise ResponseRefused("the ID token has an unknown extension, or is for others as well")
        return dict(claims)

    def user(self) -> dict[str, Any]:
        """The user from the provider's user endpoint, by the names of OpenID Connect's claims."""
        found: dict[str, Any] = self._read(self._provider.userinfo_endpoint, dict)
        if self._provider.emails_endpoint:
            # GitHub's form. The address in `found` is the one that the profile shows, verified or not.
            rows = self._read(self._provider.emails_endpoint, list)
            primary = next((row for row in rows if isinstance(row, dict) and row.get("primary") is True), {})
            found |= {"email": primary.get("email"), "email_verified": primary.get("verified")}
        return found

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send a request and read its answer, up to the bounds of size and time."""
        stop = time.monotonic() + _TIMEOUT
        body = bytearray()
        try:
            with closing(super().send(request, **options | {"stream": True})) as response:
                if request.method == "POST" and response.status_code in (400, 401, 403):
                    raise ResponseRefused(f"the code is refused with {response.status_code}")
                if response.status_code != 200:
                    raise ProviderUnreachable(f"it answers {response.status_code}")
                for block in response.iter_bytes():
                    body += block
                    if len(body) > _MAX_BYTES or time.monotonic() > stop:
                        raise ProviderUnreachable("its answer is too long, or takes too long")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ProviderUnreachable(f"it does not answer: {type(error).__name__}") from error
        return httpx2.Response(200, content=bytes(body), request=request)

    def _read(self, url: str, kind: type[Any], **options: Any) -> Any:
        try:
            answer = self.request("GET", url, headers={"Accept": "application/json"}, **options)
            found = orjson.loads(answer.content)
        except (AuthlibBaseError, ValueError) as error:
            raise ProviderUnreachable("its answer cannot be read") from error
        if not isinstance(found, kind):
            raise ProviderUnreachable("its answer has another form")
        return found

    def _metadata(self) -> dict[str, Any]:
        """The provider's metadata (OpenID Connect Discovery 1.0), at most an hour old; for OAuth 2.0 the table's."""
        row, known = self._provider, self._known
        if not row.is_openid:
            return row.metadata
        if time.monotonic() - known.metadata_read_at > _FRESH:
            url = row.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = self._read(url, dict, withhold_token=True)
            if found.get("issuer") != row.issuer:
                raise ProviderUnreachable("it says that it is another issuer")
            if not all(isinstance(found.get(name), str) and is_safe(found[name]) for name in _ENDPOINTS):
                raise ProviderUnreachable("one of its addresses is missing, or not safe")
            known.metadata, known.metadata_read_at = found, time.monotonic()
        return known.metadata

    def _decoded(self, token: str) -> Token:
        """Verify the signature. The keys are read again for a `kid` that is new, and at most every half minute."""
        known = self._known
        registry = JWSRegistry(algorithms=self._provider.algorithms, strict_check_header=False)
        for age in (_FRESH, _PAUSE):
            if time.monotonic() - known.keys_read_at > age:
                known.keys = _key_set(self._read(self._metadata()["jwks_uri"], dict, withhold_token=True))
                known.keys_read_at = time.monotonic()
            with suppress(InvalidKeyIdError):
                return decode(token, known.keys, registry=registry)
        raise ResponseRefused("no key of the provider has the ID token's kid")


def _key_set(published: dict[str, Any]) -> KeySet:
    """The keys that can be read; a provider may publish unknown kinds (RFC 7517, section 5)."""
    keys = []
    for key in published.get("keys") or ():
        with suppress(*_MALFORMED):
            keys.append(JWKRegistry.import_key(key))
    return KeySet(keys)
