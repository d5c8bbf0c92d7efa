"""Packs numbered payloads that belong together, such as messages stored in one transaction, into one payload.

A marker, the number of the first, then each with its length before it. The process that stores a message encodes its
frame once, and sends it to the other processes in this form.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

_MARKER: Final = b"\x01"
_HEAD: Final = struct.Struct(">cQ")
_LENGTH: Final = struct.Struct(">I")


def pack(first_seq: int, payloads: Iterable[bytes]) -> bytes:
    """Join payloads with consecutive numbers."""
    parts = [_HEAD.pack(_MARKER, first_seq)]
    for payload in payloads:
        parts += [_LENGTH.pack(len(payload)), payload]
    return b"".join(parts)


def first_seq(packet: bytes) -> int | None:
    """The number of the first payload; None for a payload that is not packed."""
    if not packet.startswith(_MARKER):
        return None
    seq: int = _HEAD.unpack_from(packet)[1]
    return seq


def unpack(packet: bytes) -> list[bytes]:
    """The payloads of a packet."""
    payloads = []
    position = _HEAD.size
    while position < len(packet):
        (length,) = _LENGTH.unpack_from(packet, position)
        position += _LENGTH.size
        payloads.append(packet[position : position + length])
        position += length
    return payloads
