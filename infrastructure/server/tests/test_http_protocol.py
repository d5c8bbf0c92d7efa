"""The limits of a request's head, on a real server: statuses of refused requests, each answered once."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from infrastructure.embedded.postgres import free_port
from infrastructure.server import http_protocol
from infrastructure.server.http_protocol import BoundedHttpProtocol
from infrastructure.server.tests import frames, raw_requests
from infrastructure.server.wsgi_bridge import PROBLEM, WsgiBridge

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


def echo(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    body = environ["wsgi.input"].read()
    status = environ[PROBLEM]["status"] if PROBLEM in environ else 200
    start(f"{status:d} x", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server that answers everything with 200 and the body, unless a problem is set."""
    chosen = free_port()
    config = uvicorn.Config(
        WsgiBridge(echo, threads=2, max_body=1_000_000, body_timeout=0.4),
        port=chosen,
        http=BoundedHttpProtocol,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield chosen
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def statuses(said: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d{3})", said, re.MULTILINE)]


def test_ambiguous_requests_are_answered_at_most_once(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.3)
    answers = {name: statuses(frames.converse(port, sent)) for name, sent in raw_requests.SMUGGLING.items()}
    assert [name for name, found in answers.items() if len(found) > 1] == []
    assert {status for found in answers.values() for status in found} <= {400, 408, 414, 431}


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /" + b"a" * 8_190 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri_too_long"),
        (HEAD + b"X: " + b"a" * 8_190 + b"\r\n\r\n", 431, "headers_too_large"),
        (HEAD + b"X: y\r\n" * 100 + b"\r\n", 431, "headers_too_large"),
        (HEAD + (b"X: " + b"a" * 8_000 + b"\r\n") * 5 + b"\r\n", 431, "headers_too_large"),
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"GET /\r\n\r\n", 400, "bad_request"),
    ],
)
def test_errors_are_problem_documents_and_end_the_connection(
    port: int, sent: bytes, status: int, code: str
) -> None:
    head, _, body = frames.converse(port, sent).partition(b"\r\n\r\n")
    assert statuses(head) == [status]
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    document = json.loads(body)
    assert (document["status"], document["code"], document["type"]) == (
        status,
        code,
        f"/api/problems/#{code}",
    )
    assert f"x-request-id: {document['request_id']}".encode() in head


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"a" * 8_100 + b" HTTP/1.1\r\nHost: x\r\n",
        HEAD + b"X: " + b"a" * 8_100 + b"\r\n",
        HEAD + b"X: y\r\n" * 97,
    ],
)
def test_requests_at_the_limits_are_served(port: int, sent: bytes) -> None:
    assert statuses(frames.converse(port, sent + b"Connection: close\r\n\r\n")) == [200]


def test_a_head_that_trickles_is_ended_by_the_clock(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.4)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        started = time.monotonic()
        line.sendall(b"GET / HT")
        said = line.recv(65_536)
        assert statuses(said) == [408]
        assert b"request_timeout" in said
        assert line.recv(1) == b""
        assert time.monotonic() - started >= 0.35


def pour(line: socket.socket) -> None:
    """One field that never ends: no line of it is whole, so the parser keeps it all."""
    line.sendall(HEAD + b"X: ")
    for _ in range(2_000):
        line.sendall(b"a" * 4_096)
        time.sleep(0.001)


def test_a_head_without_end_is_ended_by_its_size(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        with pytest.raises(ConnectionError):
            pour(line)


def test_a_kept_connection_serves_on(port: int) -> None:
    line = frames.Line(port)
    post = (b"POST", b"/", ((b"Host", b"x"),))
    assert line.ask(*post, b"a" * 100_000, is_chunked=True).body == b"a" * 100_000
    assert line.ask(*post, b"b" * 50_000, is_chunked=False).body == b"b" * 50_000
    line.close()


def test_a_body_that_trickles_is_answered_with_408(port: int) -> None:
    said = frames.converse(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
    assert statuses(said) == [408]


@pytest.mark.parametrize(
    ("path", "method", "more"),
    [
        (b"/", b"GET", b""),
        (b"/ws/x/", b"POST", b""),
        (b"/ws/x/", b"GET", b"Content-Length: 5\r\n"),
        (b"/", b"POST", b"Content-Length: 5\r\n"),
    ],
)
def test_only_a_get_for_a_socket_without_a_body_may_upgrade(
    port: int, path: bytes, method: bytes, more: bytes
) -> None:
    handshake = raw_requests.HANDSHAKES["anonymous"].replace(b"/ws/example/", path).replace(b"GET", method, 1)
    body = b"hello" if more else b""
    said = frames.converse(port, handshake.replace(b"\r\n\r\n", b"\r\n" + more + b"\r\n") + body)
    assert statuses(said) == [200]
    assert said.endswith(b"\r\n\r\n" + body)


def test_a_body_beside_another_upgrade_arrives_whole(port: int) -> None:
    head = HEAD.replace(b"GET", b"POST") + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(head + b"Content-Length: 200000\r\n\r\n" + b"a" * 1_000)
        line.sendall(b"a" * 199_000 + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b""
        while block := line.recv(65_536):
            said += block
    assert statuses(said) == [200]
    assert said.endswith(b"\r\n\r\n" + b"a" * 200_000)


def test_a_fault_after_a_whole_request_leaves_its_answer_alone(port: int) -> None:
    said = frames.converse(port, HEAD + b"\r\n" + b"nonsense\r\n\r\n")
    assert statuses(said) == [200]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (("192.0.2.1", 8000), ("192.0.2.1", 8000)),
        (("2001:db8::1", 8000, 0, 0), ("2001:db8::1", 8000)),
        ("/run/web.sock", ("/run/web.sock", None)),
        ("", None),
        (None, None),
    ],
)
def test_addresses_are_those_that_uvicorn_finds(name: Any, address: Any) -> None:
    assert http_protocol._address(name) == address


def test_scope_names_both_ends() -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask() -> list[Any]:
        config = uvicorn.Config(app, log_config=None)
        config.load()
        loop, state = asyncio.get_running_loop(), ServerState()
        server = await loop.create_server(lambda: BoundedHttpProtocol(config, state, {}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        ends = [writer.get_extra_info(name)[:2] for name in ("peername", "sockname")]
        writer.write(HEAD + b"Connection: close\r\n\r\n")
        await reader.read()
        writer.close()
        server.close()
        return ends

    ends = uvloop.run(ask())
    assert [scopes[0]["server"], scopes[0]["client"], scopes[0]["scheme"]] == [*ends, "http"]
