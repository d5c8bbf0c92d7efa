"""Encrypts short texts with a ring of Fernet keys, bound to the row and column that store them.

Fernet (github.com/fernet/spec) authenticates its ciphertext but has no associated data. The context is therefore
encrypted with the text and compared after decryption: a value that was moved to another row or column does not decrypt.
Deriving one key for each context would bind as well, at the cost of a derivation for every value that is read.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from infrastructure import lazy_import

if TYPE_CHECKING:
    from cryptography import fernet
else:
    fernet = lazy_import.module("cryptography.fernet")

_MIN_DISTINCT_BYTES: Final = 12


class CryptoError(Exception):
    """Base of the errors of this package."""


class DecryptionError(CryptoError):
    """A stored value was damaged, moved, never encrypted, or encrypted under an unknown key."""


class WeakKeyError(CryptoError):
    """A key is missing, malformed, given twice or guessable."""


def _checked(key: str, position: int) -> fernet.Fernet:
    try:
        raw = base64.b64decode(key.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(raw) != 32:
        raise WeakKeyError(f"Encryption key {position} is not 32 bytes in URL-safe base64.")
    if len(set(raw)) < _MIN_DISTINCT_BYTES:
        raise WeakKeyError(f"Encryption key {position} is not random.")
    return fernet.Fernet(key)


class FieldCipher:
    """A key ring: the first key encrypts, all of them decrypt.

    Raises:
        WeakKeyError: for an empty ring, and for a key that is malformed, repeated or obviously not random.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise WeakKeyError("There is no encryption key.")
        if len(set(keys)) != len(keys):
            raise WeakKeyError("An encryption key is listed twice.")
        self._ring = tuple(_checked(key, position) for position, key in enumerate(keys, start=1))

    def encrypt(self, plain: str, context: str) -> str:
        """The ciphertext of `plain`, valid at `context` only."""
        label = context.encode()
        return self._ring[0].encrypt(len(label).to_bytes(2, "big") + label + plain.encode()).decode("ascii")

    def decrypt(self, cipher: str, context: str) -> str:
        """Raises DecryptionError unless the value was encrypted for this context."""
        for key in self._ring:
            try:
                sealed = key.decrypt(cipher.encode())
            except fernet.InvalidToken:
                continue
            return _opened(sealed, context)
        raise DecryptionError("The value does not decrypt with any key of the ring.")

    def is_current(self, cipher: str, context: str) -> bool:
        """Whether the first key encrypted it. Raises DecryptionError when no key of the ring did, or for another context."""
        try:
            sealed = self._ring[0].decrypt(cipher.encode())
        except fernet.InvalidToken:
            self.decrypt(cipher, context)
            return False
        _opened(sealed, context)
        return True

    def rotate(self, cipher: str, context: str) -> str:
        """Encrypt again under the first key. Raises DecryptionError."""
        return self.encrypt(self.decrypt(cipher, context), context)


def _opened(sealed: bytes, context: str) -> str:
    size = int.from_bytes(sealed[:2], "big") + 2
    if sealed[2:size] != context.encode():
        raise DecryptionError("The value was encrypted for another context.")
    return sealed[size:].decode()
