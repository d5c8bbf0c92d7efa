"""Random tokens: 256 bits that only the receiver keeps; the server keeps a digest, which leads back to nothing."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from typing import Final

BYTES: Final = 32


def new_token() -> str:
    """43 characters of URL-safe base64."""
    return secrets.token_urlsafe(BYTES)


def new_typed_code() -> str:
    """120 bits for people to keep on paper: four groups of six letters and digits, none of them mistakable."""
    text = base64.b32encode(os.urandom(15)).decode()
    return "-".join(text[start : start + 6] for start in range(0, len(text), 6))


def typed_code(text: str) -> str:
    """The one spelling of such a code, however it was typed."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def digest(token: str) -> bytes:
    """SHA-256: a token has 256 random bits, so there is nothing that a slow hash would make harder to guess."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
