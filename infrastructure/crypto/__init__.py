"""Encryption of single values at rest."""

from infrastructure.crypto.fernet import CryptoError, DecryptionError, FieldCipher, WeakKeyError

__all__ = ["CryptoError", "DecryptionError", "FieldCipher", "WeakKeyError"]
