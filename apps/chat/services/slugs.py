"""Slugs from names in any script."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Final

from anyascii import anyascii

LENGTH: Final = 48
ATTEMPTS: Final = 5
FALLBACK: Final = "room"
_OTHER: Final = re.compile(r"[^a-z0-9]+")


def slug_of(name: str) -> str:
    """The name transliterated to a-z, 0-9 and dashes; FALLBACK if nothing is left."""
    plain = _OTHER.sub("-", anyascii(name).lower())
    return plain[:LENGTH].strip("-") or FALLBACK


def candidates(name: str) -> Iterator[str]:
    """The name's slug, then slugs with a random suffix."""
    slug = slug_of(name)
    yield slug
    for _ in range(ATTEMPTS):
        yield f"{slug}-{secrets.token_hex(3)}"
