"""What is written in one turn leaves in one write; nothing is lost, reordered or held back by it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from infrastructure.server.http_protocol import BoundedHttpProtocol
from infrastructure.server.write_coalescing import MOST, GatheredWrites


class Behind(asyncio.Transport):
    """A transport that records calls."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []

    def write(self, data: Any) -> None:
        self.asked.append(bytes(data))

    def write_eof(self) -> None:
        self.asked.append("eof")

    def close(self) -> None:
        self.asked.append("close")

    def abort(self) -> None:
        self.asked.append("abort")

    def get_write_buffer_size(self) -> int:
        return 7


async def test_a_turn_is_a_write() -> None:
    behind = Behind()
    transport = GatheredWrites(behind)
    transport.write(b"one")
    transport.writelines([b"two", bytearray(b"three")])
    assert (behind.asked, transport.get_write_buffer_size()) == ([], 11 + 7)
    await asyncio.sleep(0)
    assert (behind.asked, transport.get_write_buffer_size()) == ([b"onetwothree"], 7)
    transport.write(b"four")
    await asyncio.sleep(0)
    assert behind.asked[1:] == [b"four"]


async def test_much_does_not_wait_for_the_end_of_the_turn() -> None:
    behind = Behind()
    transport = GatheredWrites(behind)
    transport.write(b"a")
    transport.write(b"b" * MOST)
    assert behind.asked == [b"a" + b"b" * MOST]
    transport.write(b"c")
    await asyncio.sleep(0)
    assert behind.asked[1:] == [b"c"]


@pytest.mark.parametrize(
    ("end", "asked"),
    [("close", [b"last", "close"]), ("write_eof", [b"last", "eof"]), ("abort", ["abort"])],
)
async def test_written_data_is_sent_before_a_graceful_close(end: str, asked: list[Any]) -> None:
    behind = Behind()
    transport = GatheredWrites(behind)
    transport.write(b"last")
    getattr(transport, end)()
    assert behind.asked == asked
    await asyncio.sleep(0)
    assert behind.asked == asked


async def read(connection: ClientConnection, into: list[int]) -> None:
    async for text in connection:
        into.append(int(text.split()[0]))


async def test_stock_sockets_stand_behind_it_and_a_reader_that_sleeps_stops_the_sender() -> None:
    sent = 0
    transports: list[Any] = []

    class Stock(WebSocketsSansIOProtocol):
        def connection_made(self, transport: Any) -> None:
            transports.append(transport)
            super().connection_made(transport)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(4_000):
            await send({"type": "websocket.send", "text": f"{number} " + "x" * 5_000})
            sent += 1
        await send({"type": "websocket.close", "code": 4400})

    config = uvicorn.Config(app, ws=Stock, ws_per_message_deflate=False, log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttpProtocol(config, state, {}), "127.0.0.1", 0
    )
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws/"
    async with server, connect(url, proxy=None, compression=None) as connection:
        connection.transport.pause_reading()
        seen = -1
        while seen != sent:
            seen = sent
            await asyncio.sleep(0.2)
        assert 0 < sent < 4_000
        connection.transport.resume_reading()
        got: list[int] = []
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(read(connection, got), 30)
    assert got == list(range(4_000))
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400
    assert [type(transport) for transport in transports] == [GatheredWrites]
    await asyncio.gather(*state.tasks, return_exceptions=True)
