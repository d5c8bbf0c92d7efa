"""Tokens: signed ones with claims (`jwt`), random ones without content (`opaque`), and codes of authenticator apps
(`totp`).
"""

from infrastructure.token.jwt import AccessClaims, AccessTokens, TokenExpired, access_tokens
from infrastructure.token.keys import KeyInUse, KeyRing, TokenError, TokenInvalid, WeakKeyError, new_key
from infrastructure.token.opaque import digest, new_token, new_typed_code, typed_code

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
    "new_typed_code",
    "typed_code",
]
