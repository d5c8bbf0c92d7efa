"""Encryption of single values at rest, and digests to look them up by."""

from infrastructure.crypto.blind_index import BlindIndex
from infrastructure.crypto.fernet import CryptoError, DecryptionError, FieldCipher, WeakKeyError

__all__ = ["BlindIndex", "CryptoError", "DecryptionError", "FieldCipher", "WeakKeyError"]
