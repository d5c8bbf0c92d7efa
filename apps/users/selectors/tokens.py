"""The signer and reader of access tokens."""

from __future__ import annotations

from django.conf import settings

from infrastructure import token


def access_tokens() -> token.AccessTokens:
    """The access tokens of the settings `JWT_*`. Raises WeakKeyError."""
    return token.access_tokens(
        tuple(map(tuple, settings.JWT_KEYS)),
        settings.JWT_ALGORITHM,
        settings.JWT_ISSUER,
        settings.JWT_AUDIENCE,
    )
