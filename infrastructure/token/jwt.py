"""Access tokens: JWTs (RFC 7519) of the profile of RFC 9068, read strictly (RFC 8725). Knows no model and no database.

A token names a user and a session. Callers check whether both are still active.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from infrastructure import lazy_import
from infrastructure.token.keys import HS256, KeyRing, TokenError, TokenInvalid

if TYPE_CHECKING:
    import jwt
else:
    jwt = lazy_import.module("jwt")

TYPE: Final = "at+jwt"
CLAIMS: Final = ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp")
_NEEDED: Final = frozenset(CLAIMS)
_HEADER: Final = frozenset({"alg", "typ", "kid"})
_MAX_LENGTH: Final = 2048
# The largest difference between the clocks of two servers for tokens to be valid at once.
_CLOCK_SKEW: Final = 5
_REMEMBERED: Final = 10_000


class TokenExpired(TokenError):
    """The token was valid and has expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """The claims of a token; `expires_at` is in Unix seconds."""

    subject: UUID
    session: UUID
    expires_at: int
    jti: str


class AccessTokens:
    """Issues and reads the access tokens of one issuer and audience.

    Verified tokens are remembered until they expire, at most 10,000 of them, since every request of a session brings the
    same one. Only their claims are remembered, never whether they may still be used.
    """

    def __init__(
        self, keys: KeyRing, issuer: str, audience: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        # By the header, as text, that this ring's own tokens have: the secret that they are signed with.
        self._secrets = {_header(kid): secret for kid, secret in keys.secrets().items()}
        self._lock = threading.Lock()
        self._verified: OrderedDict[str, AccessClaims] = OrderedDict()

    def issue(self, subject: UUID, session: UUID, ttl: timedelta) -> str:
        """Issue a token that is valid for `ttl` from now on."""
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(subject),
            "sid": str(session),
            "jti": uuid4().hex,
            "iat": now,
            "nbf": now,
            "exp": now + int(ttl.total_seconds()),
        }
        header = {"typ": TYPE, "kid": self.keys.kid}
        return jwt.encode(claims, self.keys.signing_key, algorithm=self.keys.algorithm, headers=header)

    def read(self, token: str) -> AccessClaims:
        """The claims of a token. Raises TokenExpired, TokenInvalid."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token)
            with self._lock:
                self._verified[token] = claims
                while len(self._verified) > _REMEMBERED:
                    self._verified.popitem(last=False)
        if claims.expires_at <= self._clock():
            self._verified.pop(token, None)
            raise TokenExpired("The token has expired.")
        return claims

    def _verify(self, token: str) -> AccessClaims:
        if len(token) > _MAX_LENGTH or not token.isascii():
            raise TokenInvalid("This is not a token.")
        payload = self._own(token)
        if payload is None:
            payload = self._foreign(token)
        return self._claims(payload)

    def _own(self, token: str) -> Any:
        """The claims of a token in exactly the form that this ring writes; None for any other.

        Takes a tenth of the library's time. HS256 is a MAC: the signature is computed and compared (RFC 7515, section 5.2;
        RFC 7518, section 3.2). A token in any other form is left to the library.
        """
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        secret = self._secrets.get(header)
        if secret is None:
            return None
        expected = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256"))[:-1]
        if not hmac.compare_digest(expected, signature.encode()):
            return None
        try:
            return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (binascii.Error, ValueError, RecursionError):
            return None

    def _foreign(self, token: str) -> Any:
        algorithm = self.keys.algorithm
        try:
            header = jwt.get_unverified_header(token)
            # Only what is known to be harmless: no key, no address of a key, nothing that asks to be understood.
            if header.get("alg") != algorithm or header.get("typ") != TYPE or not header.keys() <= _HEADER:
                raise TokenInvalid("The header is not that of an access token.")
            # The times are judged here, by this object's clock; expiry without leeway.
            return jwt.decode(
                token,
                self.keys[header.get("kid")],
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                options={
                    "require": list(CLAIMS),
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenInvalid("The token does not verify.") from error

    def _claims(self, payload: Any) -> AccessClaims:
        if not isinstance(payload, dict) or not payload.keys() >= _NEEDED:
            raise TokenInvalid("A claim is missing.")
        if payload["iss"] != self._issuer or payload["aud"] != self._audience:
            raise TokenInvalid("The token is of another issuer, or for another audience.")
        times = [payload[name] for name in ("iat", "nbf", "exp")]
        if not all(type(value) is int for value in times):
            raise TokenInvalid("A time of the token is not a whole number.")
        issued_at, not_before, expires_at = times
        if max(issued_at, not_before) > self._clock() + _CLOCK_SKEW:
            raise TokenInvalid("The token is not valid yet.")
        try:
            subject, session = UUID(payload["sub"]), UUID(payload["sid"])
        except (ValueError, TypeError, AttributeError):
            raise TokenInvalid("Subject or session is not an id.") from None
        jti = payload["jti"]
        if not isinstance(jti, str) or not jti:
            raise TokenInvalid("The token has no id.")
        return AccessClaims(subject=subject, session=session, expires_at=expires_at, jti=jti)


def _header(kid: str) -> str:
    """The first part of the tokens that are signed with the secret of that id, as the library writes it."""
    text = json.dumps({"alg": HS256, "kid": kid, "typ": TYPE}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@lru_cache(maxsize=4)
def access_tokens(
    keys: tuple[tuple[str, str], ...], algorithm: str, issuer: str, audience: str
) -> AccessTokens:
    """The shared object for these keys, which remembers verified tokens. Raises WeakKeyError."""
    return AccessTokens(KeyRing(keys, algorithm), issuer, audience)
