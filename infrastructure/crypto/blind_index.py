"""Keyed digests that allow looking up an encrypted text by equality.

HMAC-SHA-256 (RFC 2104), truncated to 128 bits, under keys that HKDF (RFC 5869) derives from the encryption keys for each
column. A reader of the database learns which rows of a column have the same value, not which value it is, and nothing
across columns. Do not index columns with few possible values: equality alone would reveal them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from infrastructure import lazy_import
from infrastructure.crypto.fernet import FieldCipher
from infrastructure.product import PRODUCT

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf import hkdf
else:
    hashes = lazy_import.module("cryptography.hazmat.primitives.hashes")
    hkdf = lazy_import.module("cryptography.hazmat.primitives.kdf.hkdf")

SIZE: Final = 16


class BlindIndex:
    """The digests of one column, by a key ring: the first key makes the stored digest, lookups use all of them.

    Lookups also use the labels of earlier releases (`formerly` in product.toml).

    Raises:
        WeakKeyError: as FieldCipher does for the same keys.
    """

    def __init__(self, keys: Sequence[str], column: str) -> None:
        FieldCipher(keys)
        labels = ("", *(f"{slug} " for slug in PRODUCT.formerly))
        self._ring = tuple(
            _derived(key, f"{label}blind index\x00{column}") for label in labels for key in keys
        )

    def digest(self, text: str) -> bytes:
        """The digest that is stored for a text: 16 bytes."""
        return _digest(self._ring[0], text)

    def candidates(self, text: str) -> tuple[bytes, ...]:
        """All digests that may be stored for a text while the ring is being rotated."""
        return tuple(_digest(key, text) for key in self._ring)


def _derived(key: str, info: str) -> bytes:
    derivation = hkdf.HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info.encode())
    return derivation.derive(base64.urlsafe_b64decode(key))


def _digest(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()[:SIZE]
