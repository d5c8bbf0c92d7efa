"""A small WebSocket client (RFC 6455): text frames, pings and closing; no fragments, no extensions, no TLS."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
from typing import Any


class Closed(Exception):
    """The connection is gone. `code` is the peer's close code, or None when it just went away."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Refused(Exception):
    """The handshake was answered with something else than 101."""


class WebSocket:
    """One connection. Frames are JSON objects both ways."""

    def __init__(
        self, port: int, path: str, *, headers: dict[str, str] | None = None, timeout: float = 10
    ) -> None:
        self._buffer = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
        ]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        try:
            self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            while b"\r\n\r\n" not in self._buffer:
                self._more()
        except (OSError, Closed) as error:
            self._socket.close()
            raise Refused(f"no answer: {error!r}") from error
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.answer = head.decode("latin-1")
        if " 101 " not in self.answer.splitlines()[0]:
            self._socket.close()
            raise Refused(self.answer.splitlines()[0])

    def _more(self) -> None:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise Closed(None)
        self._buffer += chunk

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._more()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _send(self, opcode: int, payload: bytes) -> None:
        if len(payload) < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | len(payload))
        else:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, len(payload))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        try:
            self._socket.sendall(head + mask + masked)
        except OSError as error:
            raise Closed(None) from error

    def send(self, frame: dict[str, Any]) -> None:
        """Send one frame. Raises Closed."""
        self._send(0x1, json.dumps(frame).encode())

    def receive(self, timeout: float = 10) -> dict[str, Any]:
        """The next frame; pings are answered on the way. Raises Closed, or TimeoutError."""
        self._socket.settimeout(timeout)
        while True:
            try:
                first, second = self._take(2)
                length = second & 0x7F
                if length == 126:
                    (length,) = struct.unpack("!H", self._take(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", self._take(8))
                payload = self._take(length)
            except socket.timeout as error:  # noqa: UP041 (TimeoutError itself only since Python 3.10)
                raise TimeoutError("no frame came") from error
            except OSError as error:
                raise Closed(None) from error
            opcode = first & 0x0F
            if opcode == 0x1:
                frame: dict[str, Any] = json.loads(payload)
                return frame
            if opcode == 0x9:
                self._send(0xA, payload)
            elif opcode == 0x8:
                raise Closed(struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else None)

    def until(self, kind: str, timeout: float = 10) -> dict[str, Any]:
        """The next frame of this type, whatever comes before it."""
        while True:
            frame = self.receive(timeout)
            if frame.get("type") == kind:
                return frame

    def closing(self, timeout: float = 10) -> int | None:
        """The code with which the peer closes, whatever it sends before."""
        while True:
            try:
                self.receive(timeout)
            except Closed as closed:
                return closed.code

    def close(self) -> None:
        """Say goodbye and go."""
        with contextlib.suppress(Closed):
            self._send(0x8, struct.pack("!H", 1000))
        self._socket.close()
