"""A client that sends given bytes and reads one answer, with persistent connections."""

from __future__ import annotations

import http.client
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

Headers = tuple[tuple[bytes, bytes], ...]
_PATIENCE: Final = 20.0  # seconds; a later answer counts as none


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` 0: the server closed without a word. `seconds` from the last byte sent to the last byte read."""

    status: int
    content_type: str = ""
    seconds: float = 0.0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Line:
    """One connection, opened again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(
        self, method: bytes, target: bytes, headers: Headers, body: bytes | None, *, is_chunked: bool
    ) -> Answer:
        """Send one request and read its answer. Raises TimeoutError without an answer."""
        lines = [method + b" " + target + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in headers]
        content = body or b""
        if is_chunked:
            lines.append(b"Transfer-Encoding: chunked")
            content = b"%x\r\n%s\r\n" % (len(content), content) if content else b""
            content += b"0\r\n\r\n"
        elif body is not None:
            lines.append(b"Content-Length: %d" % len(body))
        request = b"\r\n".join(lines) + b"\r\n\r\n" + content
        kept = self._socket is not None
        answer = self._exchange(method, request)
        if answer.status == 0 and kept:
            # A kept connection may have been closed in the meantime: that is no answer to this request.
            answer = self._exchange(method, request)
        return answer

    def _exchange(self, method: bytes, request: bytes) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE)
        started = time.perf_counter()
        try:
            self._socket.sendall(request)
            started = time.perf_counter()
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before it was read; the answer may still be readable
        try:
            response = http.client.HTTPResponse(self._socket, method=method.decode("latin-1").upper())
            response.begin()
            # A stream of events does not end.
            is_stream = (response.getheader("Content-Type") or "").startswith("text/event-stream")
            body = b"" if is_stream else response.read()
        except (ConnectionResetError, http.client.BadStatusLine, http.client.IncompleteRead):
            self.close()
            return Answer(0)
        seconds = time.perf_counter() - started
        if is_stream or response.will_close:
            self.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers.get("content-type", ""), seconds, body, headers)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def has_head(said: bytes) -> bool:
    """Whether the head of an answer was received."""
    return b"\r\n\r\n" in said


def is_whole(said: bytes) -> bool:
    """Whether this is one answer with all of the bytes that its Content-Length promises."""
    head, _, body = said.partition(b"\r\n\r\n")
    length = re.search(rb"(?mi)^content-length: *(\d+)\r?$", head)
    return length is not None and len(body) >= int(length[1])


def converse(
    port: int, raw: bytes, *, seconds: float = 5.0, enough: Callable[[bytes], bool] | None = None
) -> bytes:
    """The answer to these bytes until the server closes, is silent for some seconds, or has sent `enough`."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        try:
            line.sendall(raw)
            while block := line.recv(65_536):
                said += block
                if enough is not None and enough(said):
                    break
        except (TimeoutError, ConnectionError):
            pass
    return said
