"""The cipher of the installation's key ring. How it works is infrastructure.crypto."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from infrastructure.crypto import FieldCipher


def cipher() -> FieldCipher:
    """The cipher of FIELD_ENCRYPTION_KEYS. Raises WeakKeyError."""
    return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=8)
def _cipher(keys: tuple[str, ...]) -> FieldCipher:
    return FieldCipher(keys)
