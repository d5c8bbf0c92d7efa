"""Cipher and blind indexes of the installation's key ring. How they work is infrastructure.crypto."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from infrastructure.crypto import BlindIndex, FieldCipher


def cipher() -> FieldCipher:
    """The cipher of FIELD_ENCRYPTION_KEYS. Raises WeakKeyError."""
    return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS))


def blind_index(column: str) -> BlindIndex:
    """The digests of a column (`table.column`), by keys derived from FIELD_ENCRYPTION_KEYS. Raises WeakKeyError."""
    return _blind_index(tuple(settings.FIELD_ENCRYPTION_KEYS), column)


@lru_cache(maxsize=64)
def _blind_index(keys: tuple[str, ...], column: str) -> BlindIndex:
    return BlindIndex(keys, column)


@lru_cache(maxsize=8)
def _cipher(keys: tuple[str, ...]) -> FieldCipher:
    return FieldCipher(keys)
