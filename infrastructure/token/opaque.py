"""Random tokens of 256 bits: the client keeps the token, the server a digest."""

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
    """120 bits to keep on paper: four groups of six unambiguous letters and digits."""
    text = base64.b32encode(os.urandom(15)).decode()
    return "-".join(text[start : start + 6] for start in range(0, len(text), 6))


def typed_code(text: str) -> str:
    """The canonical spelling of such a code."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def digest(token: str) -> bytes:
    """SHA-256: with 256 random bits, a slow hash would add nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
