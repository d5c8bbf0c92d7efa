"""uvicorn's HTTP/1.1 protocol with the limits that it leaves to a proxy: size and time of a head, and upgrades.

uvicorn waits without end for an unfinished head, keeps all of it, passes every request for a WebSocket to its WebSocket
part (methods other than GET included, some of which it never answers), and loses the body of a request that asks for
another upgrade (`curl --http2 -d`).

The class depends on uvicorn's internals, which may change with any release. `RELEASES` lists those on which its tests have
passed; on others `protocol_class` is the stock class, and only the proxy enforces these limits.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import httptools
import structlog
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from infrastructure import problem_documents
from infrastructure.server import websocket_handshake
from infrastructure.server.websocket_protocol import WebSocketProtocol
from infrastructure.server.write_coalescing import GatheredWrites
from infrastructure.telemetry import context

# The same as in deploy/gunicorn.conf.py and deploy/nginx: 8 KiB a line, 32 KiB in all.
MAX_LINE: Final = 8190
MAX_HEAD: Final = 32_768
MAX_FIELDS: Final = 100
HEAD_SECONDS: Final = 10.0
SOCKETS: Final = b"/ws/"
RELEASES: Final = frozenset({"0.54"})
_log = structlog.get_logger(__name__)

_BAD: Final = (400, "bad_request", "The request could not be understood.")
_LONG_ADDRESS: Final = (414, "uri_too_long", "The address is longer than is accepted here.")
_LARGE_HEAD: Final = (431, "headers_too_large", "The headers are longer, or more, than is accepted here.")
_LATE: Final = (408, "request_timeout", "The request took too long to arrive.")


class _Refused(Exception):
    """Stops the parser; `_refusal` has the answer."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses requests with 400, 408, 414 or 431 as problem documents, at most once for a connection, and closes it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._refusal = _BAD
        self._is_head_due = True
        self._head = 0  # bytes of the complete fields
        self._fields = 0
        self._fed = 0  # bytes received since the head began
        self._piece = 0
        self._owed = 0  # bytes of a body that bypass the parser
        self._upgrades = False
        self._offer: websocket_handshake.Handshake | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the first head. The rest is what uvicorn does, without its calls to the socket."""
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.server = _address(transport.get_extra_info("sockname"))
        self.client = cast("tuple[str, int] | None", _address(transport.get_extra_info("peername")))
        self.scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser. Bytes of an unfinished head count against its limit."""
        self._unset_keepalive_if_required()
        if self.transport.is_closing():
            return
        if self._owed:
            self._take(data)
            return
        self._piece = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
                # It refers back to here: without this, every socket would leave work for the collector.
                self.parser = None  # type: ignore[assignment]
                return
            self._take(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._refusal)
        self._fed += self._piece
        if self._is_head_due and self._fed > MAX_HEAD + MAX_LINE and not self.transport.is_closing():
            self._refuse(_LARGE_HEAD)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over: parsed, if the handshake is plain and the class accepts it, else as bytes."""
        kind: Any = self.config.ws_protocol_class
        if (
            self._offer is None
            or self.config.ws_per_message_deflate
            or not issubclass(kind, WebSocketProtocol)
        ):
            if not issubclass(kind, WebSocketProtocol):
                self.transport = GatheredWrites(self.transport)
            super().handle_websocket_upgrade()
            return
        self.connections.discard(self)
        protocol = kind(self.config, self.server_state, self.app_state, offer=self._offer)
        protocol.take_over(
            self.transport,
            server=self.server,
            client=self.client,
            is_secure=self.scheme == "https",
            target=self.url,
            headers=self.headers,
        )
        self.transport.set_protocol(protocol)

    def _take(self, data: bytes) -> None:
        """Take the part of the body that the parser left: it stops at each request for an upgrade."""
        piece = data[: self._owed]
        if piece:
            self._owed -= len(piece)
            self.on_body(piece)
            if not self._owed:
                self.on_message_complete()

    # Callbacks of the parser

    def on_message_begin(self) -> None:
        """Start the timer and the count of a further request of the connection."""
        super().on_message_begin()
        self._head = self._fields = 0
        # The piece at hand may hold the end of another body, so it does not count.
        self._fed = -self._piece
        self._is_head_due = True
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_LINE:
            self._stop(_LONG_ADDRESS)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Bound the fields, each and in total."""
        self._fields += 1
        self._head += len(name) + len(value) + 4
        if self._fields > MAX_FIELDS or len(name) + len(value) > MAX_LINE or self._head > MAX_HEAD:
            self._stop(_LARGE_HEAD)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the timer, refuse an ambiguous head, and decide about an upgrade."""
        self._is_head_due = False
        self._stop_timer()
        if not self._is_plain():
            self._stop(_BAD)
        asks = self.parser.should_upgrade()
        self._upgrades = asks and self._may_upgrade()
        if self._upgrades:
            self.scope["method"] = "GET"
            return
        if asks:
            self._owed = self._declared()
        super().on_headers_complete()
        if asks:
            # Answered as an ordinary request (RFC 9110, section 7.8), and the last one of this connection.
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """End the request, unless its body bypasses the parser."""
        if not self._owed and not self._upgrades:
            super().on_message_complete()

    def _is_plain(self) -> bool:
        """Whether it is HTTP/1.1 with one Host (RFC 9112, section 3.2), or HTTP/1.0 without chunks (section 6.1)."""
        names = [name for name, _ in self.headers]
        match self.parser.get_http_version():
            case "1.1":
                return names.count(b"host") == 1
            case "1.0":
                return b"transfer-encoding" not in names
            case _:
                return False

    def _declared(self) -> int:
        fields = dict(self.headers)
        if b"transfer-encoding" in fields:
            self._stop(_BAD)
        return int(fields.get(b"content-length", b"0"))

    # Hooks of uvicorn

    def _should_upgrade(self) -> bool:
        """The decision of `on_headers_complete`."""
        return self._upgrades

    def _may_upgrade(self) -> bool:
        """Whether it is a handshake below /ws/: a GET without a body that `websockets` accepts."""
        if not (
            self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and self.url.startswith(SOCKETS)
            and self.url.isascii()
            and len(self.url) <= websocket_handshake.MAX_LENGTH
            and dict(self.headers).keys().isdisjoint((b"content-length", b"transfer-encoding"))
        ):
            return False
        self._offer = websocket_handshake.read(self.headers)
        if self._offer is None:
            self.headers[:] = websocket_handshake.join_lists(self.headers)
            self._offer = websocket_handshake.read(self.headers)
        return self._offer is not None or websocket_handshake.is_accepted(self.url, self.headers)

    def _stop(self, refusal: tuple[int, str, str]) -> None:
        self._refusal = refusal
        raise _Refused

    def _too_late(self) -> None:
        self._timer = None
        if (cycle := self._under_way()) is not None:
            cycle.keep_alive = False  # the answer before it goes out first
        elif not self.transport.is_closing():
            self._refuse(_LATE)

    def _under_way(self) -> RequestResponseCycle | None:
        cycle: RequestResponseCycle | None = (
            self.cycle
        )  # uvicorn's annotation leaves out that it begins as None
        return None if cycle is None or cycle.response_complete else cycle

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, refusal: tuple[int, str, str]) -> None:
        self._stop_timer()
        cycle = self._under_way()
        if cycle is not None:
            if cycle.response_started or not cycle.more_body:
                # The fault is in a later request: the pending answer is sent, and nothing after it.
                cycle.keep_alive = False
                self.flow.pause_reading()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        status, code, detail = refusal
        identifier = context.new_request_id()
        self.transport.write(
            problem_documents.message(status=status, code=code, detail=detail, request_id=identifier)
        )
        self.transport.close()


def protocol_class() -> type[HttpToolsProtocol]:
    """The class to serve HTTP with: this one, or the stock one on an untested release."""
    if uvicorn.__version__.rpartition(".")[0] in RELEASES:
        return BoundedHttpProtocol
    _log.warning("http_protocol.untested_release", uvicorn=uvicorn.__version__)
    return HttpToolsProtocol


def _address(name: Any) -> tuple[str, int | None] | None:
    """Host and port, or the path of a Unix socket; None without either."""
    if isinstance(name, tuple):
        return str(name[0]), int(name[1])
    return (name, None) if isinstance(name, str) and name else None
