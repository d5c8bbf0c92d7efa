"""Random tokens: 256 bits that only the receiver keeps; the server keeps a digest, which leads back to nothing."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

BYTES: Final = 32


def new_token() -> str:
    """43 characters of URL-safe base64."""
    return secrets.token_urlsafe(BYTES)


def digest(token: str) -> bytes:
    """SHA-256: a token has 256 random bits, so there is nothing that a slow hash would make harder to guess."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
