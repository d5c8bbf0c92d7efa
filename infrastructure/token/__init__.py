"""Tokens: signed ones that carry claims (`jwt`) and random ones that mean nothing by themselves (`opaque`)."""

from infrastructure.token.jwt import AccessClaims, AccessTokens, TokenExpired, access_tokens
from infrastructure.token.keys import KeyInUse, KeyRing, TokenError, TokenInvalid, WeakKeyError, new_key
from infrastructure.token.opaque import digest, new_token

__all__ = [
    "AccessClaims",
    "AccessTokens",
    "KeyInUse",
    "KeyRing",
    "TokenError",
    "TokenExpired",
    "TokenInvalid",
    "WeakKeyError",
    "access_tokens",
    "digest",
    "new_key",
    "new_token",
]
