"""An ASGI extension of the server: frames that are encoded already, many of them in one write of the transport.

To one message for two hundred sockets the stock class builds two hundred equal frames, each with a write of its own.
With this class a frame is built once (`frame`), and what is due to a socket leaves in one piece:

    if EXTENSION in scope.get("extensions", {}):
        await send({"type": FRAMED, "data": frame(b"one") + frame(b"two")})

Everything else (handshake, reading, control frames, closing) is the stock class's, but for what an idle socket holds: its
queue is a list, and request and response go once the handshake is done. What this class leans on is inside uvicorn and
may change with any release: `RELEASES` names those on which its tests have passed, and on others `protocol_class` is the
stock class, so that applications fall back to ordinary `websocket.send` (docs/adr/0007).
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any, Final, cast

import structlog
import uvicorn
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

EXTENSION: Final = "sarsen.joined_writes"
FRAMED: Final = "sarsen.framed"
RELEASES: Final = frozenset({"0.54"})
_FINAL_TEXT: Final = 0x81
_log = structlog.get_logger(__name__)


def frame(payload: bytes) -> bytes:
    """One unmasked, final, uncompressed text frame, as a server sends it (RFC 6455, section 5.2). UTF-8 is not checked."""
    length = len(payload)
    if length < 126:
        return b"%c%c%b" % (_FINAL_TEXT, length, payload)
    if length < 65_536:
        return struct.pack(">BBH", _FINAL_TEXT, 126, length) + payload
    return struct.pack(">BBQ", _FINAL_TEXT, 127, length) + payload


def payload_of(framed: bytes) -> bytes:
    """What went into `frame`."""
    return framed[{126: 4, 127: 10}.get(framed[1], 2) :]


class Inbox:
    """What uvicorn uses of `asyncio.Queue`, for one reader, in a tenth of its memory."""

    __slots__ = ("_come", "_due", "_waiter")

    def __init__(self) -> None:
        self._come: list[Any] = []
        self._due: list[Any] = []  # the next one last, so that a flood is taken in steps of equal cost
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, event: Any) -> None:
        """Add an event, and wake the reader."""
        self._come.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Any:
        """The next event."""
        while self.empty():
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not self._due:
            self._due, self._come = self._come[::-1], []
        return self._due.pop()

    def empty(self) -> bool:
        """Whether nothing waits to be read."""
        return not (self._due or self._come)


class JoinedWrites(WebSocketsSansIOProtocol):
    """uvicorn's class with one more message that an application can send."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.queue = Inbox()  # type: ignore[assignment]  # as much of a queue as is used here

    def handle_connect(self, event: Request) -> None:
        """Offer the extension. The application's task was made by the stock class, and has not begun."""
        super().handle_connect(event)
        if self.response.status_code == 101 and not self.conn.extensions:
            extensions = cast("dict[str, Any]", self.scope["extensions"])
            extensions[EXTENSION] = {}

    async def send(self, message: Any) -> None:
        """One ASGI message. Waits while the client does not read. Raises ClientDisconnected (an OSError)."""
        if message["type"] != FRAMED:
            await super().send(message)
            if message["type"] == "websocket.accept" and self.handshake_complete:
                del self.request, self.response
            return
        if not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected:
            raise ClientDisconnected
        if not self.handshake_complete or self.close_sent:
            raise RuntimeError(f"Unexpected ASGI message {FRAMED!r} before the handshake or after the close.")
        if self.conn.state is not State.OPEN:
            raise ClientDisconnected
        self.transport.write(message["data"])


def protocol_class() -> type[WebSocketsSansIOProtocol]:
    """The class to serve sockets with: this one, or the stock one on a release that it was not tested on."""
    if uvicorn.__version__.rpartition(".")[0] in RELEASES:
        return JoinedWrites
    _log.warning("joined_writes.untested_release", uvicorn=uvicorn.__version__)
    return WebSocketsSansIOProtocol
