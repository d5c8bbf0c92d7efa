"""The server class against RFC 6455 and a client of another make: on the release that is installed it has to hold."""

from __future__ import annotations

import asyncio
import os
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

from infrastructure import joined_writes
from infrastructure.joined_writes import EXTENSION, FRAMED, Inbox, JoinedWrites, frame, payload_of

LENGTHS = [0, 1, 125, 126, 65_535, 65_536]
App = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def serving(app: App, **options: Any) -> AsyncIterator[int]:
    """The class on a free port."""
    config = uvicorn.Config(app, **{"ws_per_message_deflate": False, "log_config": None, **options})
    config.load()
    loop, state = asyncio.get_running_loop(), ServerState()
    server = await loop.create_server(lambda: JoinedWrites(config, state, {}), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        await asyncio.gather(*state.tasks, return_exceptions=True)


def client(port: int, **options: Any) -> Any:
    return connect(
        f"ws://127.0.0.1:{port}/", proxy=None, **{"compression": None, "max_size": None, **options}
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


async def test_server_pings_and_closes_whoever_does_not_answer() -> None:
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
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
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


async def test_refused_handshake_is_the_stock_one() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        writer.close()
        await writer.wait_closed()


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


def test_installed_release_is_one_of_those_that_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    assert joined_writes.protocol_class() is JoinedWrites
    monkeypatch.setattr(uvicorn, "__version__", "0.99.1")
    assert joined_writes.protocol_class() is WebSocketsSansIOProtocol
