"""Slugs of rooms: what a name of any script becomes in an address. Knows nothing of rooms."""

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
    """The name in a-z, 0-9 and dashes, transliterated from whatever script it is in; `room` if nothing is left."""
    plain = _OTHER.sub("-", anyascii(name).lower())
    return plain[:LENGTH].strip("-") or FALLBACK


def candidates(name: str) -> Iterator[str]:
    """The name's slug, then the same with something random behind it."""
    slug = slug_of(name)
    yield slug
    for _ in range(ATTEMPTS):
        yield f"{slug}-{secrets.token_hex(3)}"
