"""An ASGI extension of the server: pre-encoded frames, many of them in one write of the transport.

For one message to two hundred sockets the stock class builds two hundred equal frames, and writes each by itself. With
this class a frame is built once (`frame`), and all frames that are due to a socket are one write:

    if EXTENSION in scope.get("extensions", {}):
        await send({"type": FRAMED, "data": frame(b"one") + frame(b"two")})

A handshake of the plain form (`handshake.read`) is taken over from the HTTP parser, where the stock class writes it out
and parses it once more; any other is left to the stock class (docs/adr/0014). Everything else (reading, control frames,
refusing, closing) is the stock class's, except for the memory of an idle socket: its queue is a list, and request and
response are freed after the handshake. The class depends on uvicorn's internals, which may change with any release:
`RELEASES` lists those on which its tests have passed, and on others `protocol_class` is the stock class, so that
applications fall back to ordinary `websocket.send` (docs/adr/0007).
"""

from __future__ import annotations

import asyncio
import logging
import struct
from typing import Any, Final, Literal, cast
from urllib.parse import unquote

import structlog
import uvicorn
from uvicorn.protocols.utils import ClientDisconnected, get_client_addr, get_path_with_query_string
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from infrastructure.server import websocket_handshake

EXTENSION: Final = "server.framed_writes"
FRAMED: Final = "server.framed"
RELEASES: Final = frozenset({"0.54"})
_FINAL_TEXT: Final = 0x81
_log = structlog.get_logger(__name__)


class InvalidTextFilter(logging.Filter):
    """Drops the error that uvicorn logs when a client sends a text that is no UTF-8 (close code 1007)."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg != "Invalid UTF-8 sequence received from client."


logging.getLogger("uvicorn.error").addFilter(InvalidTextFilter())


def frame(payload: bytes) -> bytes:
    """One unmasked, final, uncompressed text frame, as a server sends it (RFC 6455, section 5.2). UTF-8 is not checked."""
    length = len(payload)
    if length < 126:
        return b"%c%c%b" % (_FINAL_TEXT, length, payload)
    if length < 65_536:
        return struct.pack(">BBH", _FINAL_TEXT, 126, length) + payload
    return struct.pack(">BBQ", _FINAL_TEXT, 127, length) + payload


def payload_of(framed: bytes) -> bytes:
    """The payload of a frame that `frame` made."""
    return framed[{126: 4, 127: 10}.get(framed[1], 2) :]


class Inbox:
    """The part of `asyncio.Queue` that uvicorn uses, for one reader, in a tenth of its memory."""

    __slots__ = ("_come", "_due", "_waiter")

    def __init__(self) -> None:
        self._come: list[Any] = []
        self._due: list[Any] = []  # the next one last, so that each step costs the same
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, event: Any) -> None:
        self._come.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Any:
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
        return not (self._due or self._come)


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's class with one more message for applications to send."""

    # Attributes that most sockets never change belong to the class, which halves a socket's own dictionary.
    logger = logging.getLogger("uvicorn.error")
    server: tuple[str, int | None] | None = None
    client: tuple[str, int] | None = None
    scheme: Literal["wss", "ws"] = "ws"
    handshake_initiated = False
    handshake_complete = False
    close_sent = False
    disconnected = False
    close_timer: asyncio.TimerHandle | None = None
    close_timeout = 10.0
    initial_response: tuple[int, list[tuple[str, str]], bytes] | None = None
    read_paused = False
    ping_timer: asyncio.TimerHandle | None = None
    pong_timer: asyncio.TimerHandle | None = None
    pending_ping_payload: bytes | None = None
    ping_sent_at = 0.0
    last_ping_rtt = 0.0
    curr_msg_data_type: Literal["text", "bytes"] = "bytes"
    _offer: websocket_handshake.Handshake | None = None  # taken over and not answered yet
    _early = b""
    _conn: ServerProtocol | None = None

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        offer: websocket_handshake.Handshake | None = None,
    ) -> None:
        """`offer`: a parsed handshake; `take_over` comes next."""
        if offer is None:
            super().__init__(config, server_state, app_state)
        else:
            self._offer = offer
            self.config = config
            self.app = config.loaded_app
            self.loop = asyncio.get_running_loop()
            self.root_path = config.root_path
            self.asgi_version = config.asgi_version
            self.app_state = app_state
            self.connections = server_state.connections
            self.tasks = server_state.tasks
            self.default_headers = server_state.default_headers
            self.ping_interval = config.ws_ping_interval
            self.ping_timeout = config.ws_ping_timeout
            self.writable = asyncio.Event()
            self.writable.set()
            self.frames: list[bytes] = []
        self.queue = Inbox()  # type: ignore[assignment]  # as much of a queue as is used here

    @property
    def conn(self) -> ServerProtocol:
        """The library's connection. Without a handshake to parse it is created late: to refuse, or for the first frame."""
        if self._conn is None:
            state = State.OPEN if self.handshake_complete else State.CONNECTING
            self._conn = ServerProtocol(state=state, max_size=self.config.ws_max_size, logger=self.logger)
        return self._conn

    @conn.setter
    def conn(self, made: ServerProtocol) -> None:
        self._conn = made

    def take_over(
        self,
        transport: asyncio.Transport,
        *,
        server: tuple[str, int | None] | None,
        client: tuple[str, int] | None,
        is_secure: bool,
        target: bytes,
        headers: list[tuple[bytes, bytes]],
    ) -> None:
        """Begin with a parsed head, in place of `connection_made` and `data_received`."""
        offer = cast("websocket_handshake.Handshake", self._offer)
        self.connections.add(self)
        self.transport = transport
        self.server, self.client, self.scheme = server, client, "wss" if is_secure else "ws"
        self.handshake_initiated = True
        path, _, query = target.partition(b"?")
        self.scope = {
            "type": "websocket",
            "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "server": server,
            "client": client,
            "root_path": self.root_path,
            "path": self.root_path + unquote(path.decode("ascii")),
            "raw_path": self.root_path.encode("ascii") + path,
            "query_string": query,
            "headers": headers,
            "subprotocols": offer.subprotocols,
            "state": self.app_state.copy(),
            "extensions": cast("Any", {"websocket.http.response": {}, EXTENSION: {}}),
        }
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    def handle_connect(self, event: Request) -> None:
        """Offer the extension. The stock class has created the application's task, which has not begun."""
        super().handle_connect(event)
        if self.response.status_code == 101 and not self.conn.extensions:
            extensions = cast("dict[str, Any]", self.scope["extensions"])
            extensions[EXTENSION] = {}

    def data_received(self, data: bytes) -> None:
        """Receive frames. Data before the answer to the handshake is held back."""
        if self._offer is not None:
            self._early += data
            self.transport.pause_reading()
            return
        super().data_received(data)

    async def send(self, message: Any) -> None:
        """Send one ASGI message. Waits while the client does not read. Raises ClientDisconnected (an OSError)."""
        if message["type"] != FRAMED:
            if self._offer is not None and message["type"] == "websocket.accept":
                self._accept(message)
                return
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
        if self._conn is not None and self._conn.state is not State.OPEN:
            raise ClientDisconnected
        self.transport.write(message["data"])

    def _accept(self, message: Any) -> None:
        offer = cast("websocket_handshake.Handshake", self._offer)
        if self.disconnected:
            raise ClientDisconnected
        if self.handshake_complete or self.initial_response is not None:
            raise RuntimeError("Unexpected ASGI message 'websocket.accept' after the handshake was answered.")
        if self.logger.isEnabledFor(logging.INFO):
            self.logger.info(
                '%s - "WebSocket %s" [accepted]',
                get_client_addr(self.scope),
                get_path_with_query_string(self.scope),
            )
        fields = [
            (name.lower(), value) for name, value in (*self.default_headers, *message.get("headers", ()))
        ]
        if message.get("subprotocol"):
            fields.append((b"Sec-WebSocket-Protocol", message["subprotocol"].encode("latin-1")))
        answer = websocket_handshake.answer(offer.accept, fields)
        if self.transport.is_closing():
            return
        self.handshake_complete = True
        self._offer = None
        self.transport.write(answer)
        self.start_keepalive()
        if self._early:
            early, self._early = self._early, b""
            self.transport.resume_reading()
            super().data_received(early)


def protocol_class() -> type[WebSocketsSansIOProtocol]:
    """The class to serve sockets with: this one, or the stock one on an untested release."""
    if uvicorn.__version__.rpartition(".")[0] in RELEASES:
        return WebSocketProtocol
    _log.warning("websocket_protocol.untested_release", uvicorn=uvicorn.__version__)
    return WebSocketsSansIOProtocol
