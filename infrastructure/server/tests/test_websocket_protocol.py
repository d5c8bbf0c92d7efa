"""The server class against RFC 6455 and a client of another make: on the release that is installed it has to hold."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from infrastructure.server.http_protocol import BoundedHttpProtocol
from infrastructure.server.tests import raw_requests
from infrastructure.server.websocket_protocol import (
    EXTENSION,
    FRAMED,
    Inbox,
    WebSocketProtocol,
    frame,
    payload_of,
)

LENGTHS = [0, 1, 125, 126, 65_535, 65_536]
App = Callable[[Any, Any, Any], Awaitable[None]]


# Whether the handshake is passed on from the HTTP parser, or parsed by the stock class.
_is_taken_over = True


@pytest.fixture(autouse=True, params=[True, False], ids=["taken-over", "stock-handshake"])
def way(request: pytest.FixtureRequest) -> bool:
    """Every test runs both ways."""
    global _is_taken_over
    _is_taken_over = bool(request.param)
    return _is_taken_over


@asynccontextmanager
async def serving(app: App, *, ws: Any = WebSocketProtocol, **options: Any) -> AsyncIterator[int]:
    """The class on a free port."""
    config = uvicorn.Config(app, ws=ws, **{"ws_per_message_deflate": False, "log_config": None, **options})
    config.load()
    loop, state = asyncio.get_running_loop(), ServerState()
    kind: Any = BoundedHttpProtocol if _is_taken_over else ws
    server = await loop.create_server(lambda: kind(config, state, {}), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        await asyncio.gather(*state.tasks, return_exceptions=True)


def client(port: int, **options: Any) -> Any:
    return connect(
        f"ws://127.0.0.1:{port}/ws/", proxy=None, **{"compression": None, "max_size": None, **options}
    )


async def accept(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})


def framed(*payloads: bytes) -> dict[str, Any]:
    return {"type": FRAMED, "data": b"".join(map(frame, payloads))}


async def receive_all(connection: ClientConnection, count: int) -> list[Any]:
    async with asyncio.timeout(10):
        return [await connection.recv() for _ in range(count)]


@pytest.mark.parametrize("length", LENGTHS)
def test_frames_are_those_of_the_library(length: int) -> None:
    payload = os.urandom(length)
    assert frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)
    assert payload_of(frame(payload)) == payload


async def test_frames_of_every_length_arrive_in_order_among_ordinary_ones() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        assert scope["extensions"][EXTENSION] == {}
        await send({"type": "websocket.send", "text": "before"})
        await send(framed(*(b"x" * length for length in LENGTHS)))
        await send({"type": "websocket.send", "bytes": b"after"})
        await receive()

    async with serving(app) as port, client(port) as connection:
        assert await receive_all(connection, len(LENGTHS) + 2) == [
            "before",
            *("x" * length for length in LENGTHS),
            b"after",
        ]


async def test_messages_in_fragments_and_pings_between_them_are_read_and_answered() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        while (event := await receive())["type"] == "websocket.receive":
            await send(framed(b"got", event["text"].encode()))

    async with serving(app) as port, client(port) as connection:

        async def fragments() -> AsyncIterator[str]:
            for part in ("one ", "two ", "thrée"):
                yield part
                await (await connection.ping())

        await connection.send(fragments())
        assert await receive_all(connection, 2) == ["got", "one two thrée"]


async def test_the_server_pings_and_closes_silent_connections() -> None:
    ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        await send(framed(b"hello"))
        ended.set_result(await receive())

    async with serving(app, ws_ping_interval=0.05, ws_ping_timeout=0.2) as port:
        async with client(port) as connection:
            assert await receive_all(connection, 1) == ["hello"]
            await asyncio.sleep(0.5)  # several pings, all answered
            assert not ended.done()
            connection.transport.pause_reading()
            assert (await asyncio.wait_for(ended, 5))["type"] == "websocket.disconnect"
            connection.transport.resume_reading()
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1011


async def test_sending_waits_for_a_client_that_does_not_read() -> None:
    sent = 0
    done = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await accept(receive, send)
        for _ in range(400):
            await send(framed(b"x" * 65_000))
            sent += 1
        done.set()
        await receive()

    async with serving(app) as port, client(port, max_queue=2) as connection:
        for _ in range(200):
            before = sent
            await asyncio.sleep(0.02)
            if sent and sent == before:
                break
        assert 0 < sent < 400
        assert not done.is_set()
        assert await receive_all(connection, 400) == ["x" * 65_000] * 400
        await asyncio.wait_for(done.wait(), 5)


async def test_client_that_vanishes_while_sending_waits_ends_the_wait() -> None:
    failure: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        try:
            while True:
                await send(framed(b"x" * 65_000))
        except OSError as error:
            failure.set_result(error)

    async with serving(app) as port:
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(
                b"GET /ws/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyAhIQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            await asyncio.sleep(0.3)
            assert not failure.done()
        assert type(await asyncio.wait_for(failure, 5)).__name__ == "ClientDisconnected"


async def test_closing_handshake_is_the_stock_one_and_nothing_is_sent_outside_of_open() -> None:
    refused: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def attempt() -> None:
            try:
                await send(framed(b"no"))
            except (RuntimeError, OSError) as error:
                refused.append(type(error).__name__)

        await receive()
        await attempt()
        await send({"type": "websocket.accept"})
        if (await receive())["type"] == "websocket.disconnect":
            await attempt()
            return
        await send(framed(b"last"))
        await send({"type": "websocket.close", "code": 4408})
        await attempt()

    async with serving(app) as port:
        async with client(port) as connection:
            await connection.send("close me")
            assert await receive_all(connection, 1) == ["last"]
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert (closed.value.rcvd, closed.value.rcvd_then_sent) == (closed.value.sent, True)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4408
        async with client(port) as connection:
            await connection.close(1000)
            assert connection.close_code == 1000
        async with asyncio.timeout(5):
            while len(refused) < 4:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert refused == ["RuntimeError", "RuntimeError", "RuntimeError", "ClientDisconnected"]


@pytest.mark.parametrize("compresses", [False, True])
async def test_extension_is_offered_only_where_frames_are_not_compressed(compresses: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        if EXTENSION in scope["extensions"]:
            await send(framed(b"framed"))
        else:
            await send({"type": "websocket.send", "text": "plain"})
        await receive()

    async with (
        serving(app, ws_per_message_deflate=compresses) as port,
        client(port, compression="deflate") as connection,
    ):
        assert await receive_all(connection, 1) == ["plain" if compresses else "framed"]
        assert bool(connection.protocol.extensions) is compresses


async def test_handshake_that_is_not_valid_is_for_the_application(way: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b"no socket"})

    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /ws/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        # Without an HTTP parser before it, the stock class refuses it.
        assert (await reader.readline()).startswith(b"HTTP/1.1 418" if way else b"HTTP/1.1 400")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("ws", [WebSocketProtocol, WebSocketsSansIOProtocol])
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.CLOSE])
async def test_invalid_utf_8_is_closed_with_1007_and_nothing_is_logged(
    ws: Any, opcode: Opcode, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await accept(receive, send)
        events.append(await receive())

    payload = b"\xff" if opcode is Opcode.TEXT else b"\x03\xe8\xff"
    async with serving(app, ws=ws) as port, client(port) as connection:
        connection.transport.write(Frame(opcode, payload).serialize(mask=True))
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007
    assert (events[0]["type"], events[0]["code"]) == ("websocket.disconnect", 1007)
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


async def exchange(port: int, sent: bytes) -> bytes:
    """The whole answer to these bytes, without the date. A close is answered at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(5):
        said = await reader.readuntil(b"\r\n\r\n")
        if said.startswith(b"HTTP/1.1 101"):
            writer.write(bytes.fromhex("88820000000003e8"))
        said += await reader.read()
    writer.close()
    await writer.wait_closed()
    return re.sub(rb"(?i)\r\ndate: [^\r]*|\r\nx-request-id: [^\r]*|\"request_id\":\"[^\"]*\"", b"", said)


async def conversation(ws: Any, sent: bytes, replies: list[dict[str, Any]]) -> tuple[bytes, list[Any], Any]:
    """The bytes for a client, and the messages for the application, when it answers a handshake with these messages."""
    events: list[Any] = []
    told: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        extensions = {name: value for name, value in scope["extensions"].items() if name != EXTENSION}
        told.append({**scope, "extensions": extensions, "client": None, "server": None})
        events.append(await receive())
        for reply in replies:
            try:
                await send(reply)
            except RuntimeError:
                events.append("RuntimeError")

    async with serving(app, ws=ws, date_header=False) as port:
        said = await exchange(port, sent)
    return said, events, told


ACCEPT = {"type": "websocket.accept"}
CLOSE = {"type": "websocket.close", "code": 4401}
START = {"type": "websocket.http.response.start", "status": 429, "headers": [(b"Retry-After", b"1")]}
BODY = {"type": "websocket.http.response.body", "body": b"later"}


@pytest.mark.parametrize(
    "replies",
    [
        [ACCEPT, CLOSE],
        [{**ACCEPT, "subprotocol": "bearer", "headers": [(b"X-One", b"1"), (b"x-two", b"\xe9")]}, CLOSE],
        [ACCEPT, ACCEPT, CLOSE],
        [CLOSE],
        [CLOSE, ACCEPT],
        [START, BODY],
        [START, ACCEPT, BODY],
        [{"type": "websocket.send", "text": "too early"}],
        [],
    ],
    ids=str,
)
async def test_answers_of_the_application_equal_those_of_the_stock_class(
    replies: list[dict[str, Any]],
) -> None:
    target = b"/ws/example/caf%C3%A9/?token=a%20b&after=1"
    sent = raw_requests.HANDSHAKES["a subprotocol alone"].replace(b"/ws/example/", target)
    stock = await conversation(WebSocketsSansIOProtocol, sent, replies)
    assert await conversation(WebSocketProtocol, sent, replies) == stock
    assert len(stock[2]) == 1


TAKEN_OVER = pytest.mark.parametrize("way", [True], indirect=True, ids=["taken-over"])


@TAKEN_OVER
@pytest.mark.parametrize("name", [*raw_requests.HANDSHAKES, *raw_requests.NO_HANDSHAKES])
async def test_hostile_handshakes_are_answered_as_by_the_stock_class(name: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 418, "headers": []})
            await send({"type": "http.response.body", "body": b"no socket"})
            return
        await receive()
        if scope["path"].startswith("/ws/example/"):
            await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})

    sent = {**raw_requests.HANDSHAKES, **raw_requests.NO_HANDSHAKES}[name]
    answers = []
    for ws in (WebSocketsSansIOProtocol, WebSocketProtocol):
        async with serving(app, ws=ws) as port:
            answers.append(await exchange(port, sent))
    assert answers[0] == answers[1]
    assert answers[0].startswith(b"HTTP/1.1 ")


@TAKEN_OVER
async def test_frames_before_the_answer_wait_for_it() -> None:
    heard: list[Any] = []
    is_handshakeing, is_due = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append(await receive())
        is_handshakeing.set()
        await is_due.wait()
        await send({"type": "websocket.accept"})
        heard.extend([await receive(), await receive()])
        await send({"type": "websocket.close"})

    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw_requests.HANDSHAKES["anonymous"])
        async with asyncio.timeout(5):
            await is_handshakeing.wait()
            for sent in (b"\x81\x81\0\0\0\0a", b"\x89\x81\0\0\0\0p", b"\x81\x81\0\0\0\0b"):
                writer.write(sent)
                await asyncio.sleep(0.01)
            is_due.set()
            said = await reader.readuntil(b"\r\n\r\n")
            said += await reader.readexactly(3)
            writer.write(bytes.fromhex("88820000000003e8"))
            end = await reader.read()
        writer.close()
    assert said.startswith(b"HTTP/1.1 101 ")
    assert (said[-3:], end) == (b"\x8a\x01p", bytes.fromhex("880203e8"))
    assert [event["type"] for event in heard] == [
        "websocket.connect",
        "websocket.receive",
        "websocket.receive",
    ]
    assert [event.get("text") for event in heard] == [None, "a", "b"]


async def test_client_that_leaves_before_the_answer_is_not_answered() -> None:
    seen: list[str] = []
    is_handshakeing, is_over = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        is_handshakeing.set()
        seen.append((await receive())["type"])
        try:
            await send({"type": "websocket.accept"})
        except OSError as error:
            seen.append(type(error).__name__)
        is_over.set()

    async with serving(app) as port, asyncio.timeout(5):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw_requests.HANDSHAKES["anonymous"])
        await is_handshakeing.wait()
        writer.close()
        await is_over.wait()
    assert seen == ["websocket.disconnect", "ClientDisconnected"]


async def test_a_stopping_server_answers_500_before_the_handshake_and_1012_after_it() -> None:
    is_handshakeing = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["query_string"]:
            await send({"type": "websocket.accept"})
        is_handshakeing.set()
        await receive()

    answers = []
    for target in (b"/ws/example/", b"/ws/example/?in"):
        is_handshakeing.clear()
        async with serving(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw_requests.HANDSHAKES["anonymous"].replace(b"/ws/example/", target))
            async with asyncio.timeout(5):
                await is_handshakeing.wait()
        answers.append(await asyncio.wait_for(reader.read(), 5))
        writer.close()
    assert answers[0].startswith(b"HTTP/1.1 500 ")
    assert answers[1].startswith(b"HTTP/1.1 101 ")
    assert answers[1].endswith(bytes.fromhex("880203f4"))


async def test_inbox_keeps_the_order_wakes_its_reader_and_bears_that_it_leaves() -> None:
    inbox = Inbox()
    impatient = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    impatient.cancel()
    inbox.put_nowait(0)
    reader = asyncio.create_task(inbox.get())
    for n in range(1, 4):
        inbox.put_nowait(n)
    assert await reader == 0
    inbox.put_nowait(4)
    assert [await inbox.get() for _ in range(4)] == [1, 2, 3, 4]
    assert inbox.empty()
