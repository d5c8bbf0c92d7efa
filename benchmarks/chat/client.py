"""Cheap WebSocket clients: many in one process, which count frames without parsing them where possible.

Frames are masked with zeros, which leaves their bytes unchanged (RFC 6455, section 5.3, lets the client choose the key).
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable

MARK = b"|~|"
"""What every message of a measurement holds; it survives JSON as it is."""
_shared = bytearray(256 * 1024)
_view = memoryview(_shared)


def frame(payload: bytes) -> bytes:
    """A text frame of a client."""
    length = len(payload)
    if length < 126:
        return struct.pack(">BBI", 0x81, 0x80 | length, 0) + payload
    return struct.pack(">BBHI", 0x81, 0x80 | 126, length, 0) + payload


class Client(asyncio.BufferedProtocol):
    """One socket. It counts marks in received bytes; with `on_frame` it parses frames and passes them on."""

    on_frame: Callable[[bytes], None] | None = None

    def __init__(self, port: int, slug: str, token: str, speaks: str) -> None:
        self.count = 0
        self.is_lost = False
        self.is_socketio = speaks == "socket.io"
        self.entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard = asyncio.Event()
        self._opening = b""
        self._edge = b""
        self._rest = b""
        self._auth = json.dumps({"token": token, "room": slug}).encode()
        path = "/socket.io/?EIO=4&transport=websocket" if self.is_socketio else f"/ws/chat/{slug}/"
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyAhIQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        self.heard.set()
        if not self.entered.done():
            self.entered.set_exception(ConnectionError(self._opening.decode(errors="replace")))

    def get_buffer(self, sizehint: int) -> memoryview:
        return _view

    def buffer_updated(self, length: int) -> None:
        if not self.entered.done():
            self._open(bytes(_view[:length]))
        elif self.on_frame is not None:
            self._take_apart(bytes(_view[:length]))
        else:
            count = _shared.count(MARK, 0, length)
            if self._edge:
                count += (self._edge + _view[:2]).count(MARK)
            self._edge = bytes(_view[max(0, length - 2) : length])
            if count:
                self.count += count
                self.heard.set()

    def say(self, text: str) -> None:
        """Send a message with the mark."""
        body = json.dumps({"message": text}).encode()
        self.transport.write(frame(b'42["message",%b]' % body if self.is_socketio else body))

    def _open(self, data: bytes) -> None:
        self._opening += data
        _, _, rest = self._opening.partition(b"\r\n\r\n")
        if b"welcome" in rest:
            self.entered.set_result(None)
        elif self.is_socketio and b'0{"sid"' in rest and b'40{"sid"' not in rest and self._auth:
            self.transport.write(frame(b"40" + self._auth))
            self._auth = b""

    def _take_apart(self, data: bytes) -> None:
        data = self._rest + data
        at, end = 0, len(data)
        while at + 4 <= end:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = data[at + 2] << 8 | data[at + 3], at + 4
            if start + length > end:
                break
            if self.on_frame is not None:
                self.on_frame(data[start : start + length])
            at = start + length
        self._rest = data[at:]


async def enter(port: int, slug: str, token: str, speaks: str) -> Client:
    """Open a socket, and wait for its welcome."""
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: Client(port, slug, token, speaks), "127.0.0.1", port)
    await asyncio.wait_for(client.entered, 30)
    return client
