"""A server in the process of the test, on the test's database, and clients of its WebSockets."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from config.serve import Server, server_config
from infrastructure.embedded.postgres import free_port


class Socket:
    """The client of a socket. Reads frames in order; `next` skips other types."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, **frame: Any) -> None:
        self.connection.send(json.dumps(frame))

    def say(self, text: str, client_id: str | None = None) -> str:
        client_id = client_id or str(uuid4())
        self.send(message=text, client_id=client_id)
        return client_id

    def frame(self, timeout: float = 10) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.connection.recv(timeout=timeout))
        return frame

    def next(self, *kinds: str, timeout: float = 10) -> dict[str, Any]:
        while True:
            frame = self.frame(timeout)
            if frame["type"] in kinds:
                return frame

    def messages(self, count: int, timeout: float = 20) -> list[dict[str, Any]]:
        return [self.next("message", timeout=timeout) for _ in range(count)]

    def is_quiet(self, *kinds: str, seconds: float = 0.3) -> bool:
        """Whether no frame of these types (by default of any type) arrives in this time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                frame = self.frame(left)
            except TimeoutError:
                return True
            if not kinds or frame["type"] in kinds:
                return False
        return True

    def close_code(self, timeout: float = 10) -> int:
        """Read until the close, and return its code."""
        deadline = time.monotonic() + timeout

        def read_to_the_end() -> None:
            while True:
                self.connection.recv(timeout=max(0.01, deadline - time.monotonic()))

        with pytest.raises(ConnectionClosed) as closed:
            read_to_the_end()
        received = closed.value.rcvd
        return 1006 if received is None else int(received.code)


class Site:
    """One server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self._open = ExitStack()

    def connect(self, url: str, **options: Any) -> Socket:
        """Open a socket at a path or address, until the site stops.

        Only the server sends pings: on a busy machine, the client's ping thread would log an error during a later test.
        """
        options = {"compression": None, "ping_interval": None, **options}
        address = f"ws://{self.host}{url}" if url.startswith("/") else url
        return Socket(self._open.enter_context(connect(address, proxy=None, **options)))

    def hang_up(self) -> None:
        """Close all sockets."""
        self._open.close()


S = TypeVar("S", bound=Site)


@contextmanager
def serving(kind: type[S]) -> Iterator[S]:
    """A server on a free port, with its own event loop."""
    port = free_port()
    server = Server(server_config(host="127.0.0.1", port=port))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the server ended while it started"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        site = kind(port)
        yield site
        site.hang_up()
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive(), "the server did not stop"
