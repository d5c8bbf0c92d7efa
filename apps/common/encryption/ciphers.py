"""The cipher and the blind indexes of FIELD_ENCRYPTION_KEYS (infrastructure.crypto)."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from infrastructure.crypto import BlindIndex, FieldCipher

_cipher = lru_cache(maxsize=8)(FieldCipher)
_blind_index = lru_cache(maxsize=64)(BlindIndex)


def cipher() -> FieldCipher:
    """Raises WeakKeyError."""
    return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS))


def blind_index(column: str) -> BlindIndex:
    """The blind index of a column (`table.column`). Raises WeakKeyError."""
    return _blind_index(tuple(settings.FIELD_ENCRYPTION_KEYS), column)
