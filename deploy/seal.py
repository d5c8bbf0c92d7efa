"""Encrypts or decrypts a stream with BACKUP_KEY: `python -c "$(cat seal.py)" seal|open < input > output`.

It runs inside the product's image, which has `cryptography`. After MAGIC and a salt come pieces of 1 MiB, each encrypted
with AES-256-GCM under a key derived for this stream (HKDF-SHA256). The nonce holds the number of the piece and whether it
is the last one, so pieces that are missing, moved or cut off are noticed (STREAM, Hoang et al., 2015).
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"sealed-backup-1\n"
PIECE = 1 << 20
_TAG = 16


def _cipher(key: str, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"backup").derive(key.encode()))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def seal(key: str, source: BinaryIO, target: BinaryIO) -> None:
    """Encrypt the source."""
    salt = os.urandom(16)
    target.write(MAGIC + salt)
    cipher, number, piece = _cipher(key, salt), 0, source.read(PIECE)
    while True:
        following = source.read(PIECE)
        target.write(cipher.encrypt(_nonce(number, last=not following), piece, None))
        if not following:
            return
        number, piece = number + 1, following


def unseal(key: str, source: BinaryIO, target: BinaryIO) -> None:
    """Decrypt the source. Raises InvalidTag for another key, or for anything that was changed or cut off."""
    if source.read(len(MAGIC)) != MAGIC:
        raise InvalidTag
    cipher, number = _cipher(key, source.read(16)), 0
    piece = source.read(PIECE + _TAG)
    while True:
        following = source.read(PIECE + _TAG)
        target.write(cipher.decrypt(_nonce(number, last=not following), piece, None))
        if not following:
            return
        number, piece = number + 1, following


def main(action: str) -> int:
    """Run one of the two. 1 when the stream does not open."""
    try:
        {"seal": seal, "open": unseal}[action](os.environ["BACKUP_KEY"], sys.stdin.buffer, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except InvalidTag:
        sys.stderr.write(
            "The backup does not open: BACKUP_KEY is another one, or the file was changed or cut off.\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
