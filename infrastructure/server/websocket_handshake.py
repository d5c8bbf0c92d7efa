"""A WebSocket's opening handshake (RFC 6455, section 4.2), from parsed header fields.

`read` accepts only the form that browsers and libraries send: each field once, plain lists. It leaves any other form
undecided. `join_lists` converts lists on several lines, or with more items, to that form; `websockets`, which knows every
form, decides about the rest (`is_accepted`). So `read` accepts a subset of what `websockets` accepts, and a test compares
them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from websockets.http11 import Request
from websockets.server import ServerProtocol

Fields = Sequence[tuple[bytes, bytes]]

# The limit of `websockets` for one line, less what it counts besides name and value.
MAX_LENGTH: Final = 8_000
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ONCE: Final = frozenset(
    {
        b"connection",
        b"upgrade",
        b"sec-websocket-key",
        b"sec-websocket-version",
        b"sec-websocket-protocol",
        b"origin",
    }
)
_LISTS: Final = frozenset({b"connection", b"upgrade", b"sec-websocket-protocol"})
_TOKEN: Final = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
_NAMES: Final = re.compile(_TOKEN)
_LIST: Final = re.compile(_TOKEN + rb"(?:, ?" + _TOKEN + rb")*")
_TEXT: Final = re.compile(rb"[\n\x20-\x7e\x80-\xff]*")
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
_FIELD: Final = re.compile(_TOKEN + rb": [\x20-\x7e\x80-\xff]*")


class Handshake(NamedTuple):
    """The client's half: the accept key, and the subprotocols that it offers."""

    accept: bytes
    subprotocols: list[str]


def read(fields: Fields) -> Handshake | None:
    """The handshake of these fields, names in lower case; None for another than the plain form."""
    # One value a line, so that a single search finds anything unusual, spaces at their ends included.
    values = b"\n".join([b"", *[value for _, value in fields], b""])
    names = b"".join([name for name, _ in fields])
    if (
        len(values) + len(names) > MAX_LENGTH
        or values.count(b"\n") != len(fields) + 1
        or not _TEXT.fullmatch(values)
        or b"\n " in values
        or b" \n" in values
        or not _NAMES.fullmatch(names)
    ):
        return None
    found: dict[bytes, bytes] = {}
    for name, value in fields:
        if name in _ONCE:
            if name in found:
                return None
            found[name] = value
    connection = found.get(b"connection", b"")
    key = found.get(b"sec-websocket-key", b"")
    offered = found.get(b"sec-websocket-protocol")
    if (
        found.get(b"upgrade", b"").lower() != b"websocket"
        or not _LIST.fullmatch(connection)
        or b"upgrade" not in connection.lower().replace(b" ", b"").split(b",")
        or found.get(b"sec-websocket-version") != b"13"
        or not _KEY.fullmatch(key)
        or (offered is not None and not _LIST.fullmatch(offered))
    ):
        return None
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return Handshake(accept, [] if offered is None else offered.decode().replace(" ", "").split(","))


def join_lists(fields: Fields) -> list[tuple[bytes, bytes]]:
    """The fields with each list on one line (RFC 9110, section 5.3), and `websocket` chosen among the offered upgrades."""
    joined: list[tuple[bytes, bytes]] = []
    for name, value in fields:
        if name not in _LISTS:
            joined.append((name, value))
        elif all(name != other for other, _ in joined):
            joined.append((name, _chosen(name, _items(fields, name))))
    return joined


def _items(fields: Fields, name: bytes) -> list[bytes]:
    """The items of a list; empty ones do not count (RFC 9110, section 5.6.1)."""
    lines = b",".join([value for other, value in fields if other == name])
    return [item for item in (item.strip(b" \t") for item in lines.split(b",")) if item]


def _chosen(name: bytes, items: list[bytes]) -> bytes:
    if name == b"upgrade" and any(item.lower() == b"websocket" for item in items):
        return b"websocket"
    return b", ".join(items)


def is_accepted(target: bytes, fields: Fields) -> bool:
    """Whether `websockets` accepts the handshake."""
    library = ServerProtocol()
    lines = b"".join([b"%b: %b\r\n" % field for field in fields])
    library.receive_data(b"GET %b HTTP/1.1\r\n%b\r\n" % (target, lines))
    requests = [event for event in library.events_received() if isinstance(event, Request)]
    return len(requests) == 1 and library.accept(requests[0]).status_code == HTTPStatus.SWITCHING_PROTOCOLS


def answer(accept: bytes, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The server's half: 101, with further fields. Raises ValueError for an invalid field, such as one with a line feed."""
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accept,
    ]
    for name, value in fields:
        line = b"%b: %b" % (name, value)
        if not _FIELD.fullmatch(line):
            raise ValueError(f"{line!r} is no field of a header.")
        lines.append(line)
    return b"\r\n".join(lines) + b"\r\n\r\n"
