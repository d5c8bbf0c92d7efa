"""Kills the servers of the chat under load, and counts lost messages: `python -m benchmarks.chat_kills [--times 10] [server …]`.

Two server processes on durable PostgreSQL and Valkey, six clients in one room, three at each, which send a message every
20 ms and reconnect by the protocol's rules (`?after=`, the same `client_id`) when their socket breaks. In turn:

    redis       Valkey is killed, and restarted after 1.5 s
    frozen      Valkey is stopped for 1.5 s, then continues: its connections are half open
    server      a server process is killed, and restarted after 1 s
    postgres    PostgreSQL is restarted
    crash       PostgreSQL is killed, and restarted

Bars: no acknowledged message lost, duplicated or out of order; all clients have caught up within 5 s. The time counts from
when the killed server accepts connections again; for a server process from the kill, since the other one serves.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks.chat.stack import HUB, Peer, Stack, end, running
from infrastructure.embedded.postgres import free_port

CLIENTS, PAUSE, WITHIN = 6, 0.02, 5.0
FORGIVING = Peer(name=HUB.name, command=HUB.command, settings={"WEB_THREADS": "2"})


class Client:
    """Sends and receives, and records both."""

    def __init__(self, number: int, ports: list[int], token: str) -> None:
        self.ports, self.token, self.number = ports, token, number
        self.unacknowledged: dict[str, str] = {}
        self.acknowledged: dict[str, int] = {}
        self.heard: list[int] = []
        self.last = 0
        self.said = 0
        self.faults: list[str] = []
        self.is_talking = True
        self.is_over = False

    async def live(self) -> None:
        """Connect again and again, each time to the next server, until the end of the run."""
        turn = self.number
        while not self.is_over:
            uri = f"ws://127.0.0.1:{self.ports[turn % len(self.ports)]}/ws/chat/hall/?after={self.last}"
            turn += 1
            with contextlib.suppress(WebSocketException, OSError, TimeoutError):
                headers = {"Authorization": f"Bearer {self.token}"}
                async with connect(
                    uri,
                    additional_headers=headers,
                    proxy=None,
                    compression=None,
                    open_timeout=2,
                    close_timeout=0.2,
                ) as socket:
                    talking = asyncio.create_task(self.talk(socket))
                    try:
                        await self.listen(socket)
                    finally:
                        talking.cancel()
                        await asyncio.gather(talking, return_exceptions=True)
            await asyncio.sleep(0.05)

    async def talk(self, socket: ClientConnection) -> None:
        """Send unacknowledged messages again, then new ones."""
        for client_id, text in list(self.unacknowledged.items()):
            await socket.send(json.dumps({"message": text, "client_id": client_id}))
        while True:
            if self.is_talking and len(self.unacknowledged) < 50:
                client_id = str(uuid4())
                text = self.unacknowledged[client_id] = f"{self.number}:{self.said}"
                self.said += 1
                await socket.send(json.dumps({"message": text, "client_id": client_id}))
            await asyncio.sleep(PAUSE)

    async def listen(self, socket: ClientConnection) -> None:
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] == "ack":
                self.unacknowledged.pop(frame["client_id"], None)
                if self.acknowledged.setdefault(frame["client_id"], frame["seq"]) != frame["seq"]:
                    self.faults.append(f"{frame['client_id']} has two numbers")
            elif frame["type"] == "message":
                self.heard.append(frame["seq"])
                self.last = max(self.last, frame["seq"])
            elif frame["type"] == "error":
                if frame["code"] != "unavailable":
                    self.faults.append(text if isinstance(text, str) else "")
                await asyncio.sleep(0.2)
                client_id = frame.get("client_id")
                if client_id in self.unacknowledged:
                    again = {"message": self.unacknowledged[client_id], "client_id": client_id}
                    await socket.send(json.dumps(again))


@dataclass(slots=True)
class Outcome:
    """The result of one kill."""

    lost: int
    doubled: int
    disordered: int
    seconds: float
    acknowledged: int
    faults: list[str]

    @property
    def is_reached(self) -> bool:
        return not (self.lost or self.doubled or self.disordered or self.faults) and self.seconds <= WITHIN


class Campaign:
    """One stack, its two servers, and the clients of the run."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.ports = [free_port(), free_port()]
        self.servers = [stack.start(FORGIVING, port) for port in self.ports]
        for port, server in zip(self.ports, self.servers, strict=True):
            stack.await_answer(FORGIVING, port, server)
        self.ways: dict[str, Callable[[], Any]] = {
            "redis": self.kill_redis,
            "frozen": self.freeze_redis,
            "server": self.kill_server,
            "postgres": lambda: self.restart_postgres(signal.SIGINT),
            "crash": lambda: self.restart_postgres(signal.SIGQUIT),
        }

    def close(self) -> None:
        for server in self.servers:
            end(server)

    async def kill_redis(self) -> None:
        engine = self.stack.engines.members["REDIS_URL"]
        engine.process.kill()  # type: ignore[union-attr]
        engine.process.wait()  # type: ignore[union-attr]
        await asyncio.sleep(1.5)
        await self.begin_again("REDIS_URL")

    async def freeze_redis(self) -> None:
        engine = self.stack.engines.members["REDIS_URL"]
        engine.process.send_signal(signal.SIGSTOP)  # type: ignore[union-attr]
        await asyncio.sleep(1.5)
        engine.process.send_signal(signal.SIGCONT)  # type: ignore[union-attr]

    async def kill_server(self) -> None:
        self.servers[0].kill()
        self.servers[0].wait()
        self.servers.append(self.servers.pop(0))
        self.ports.append(self.ports.pop(0))
        asyncio.get_running_loop().call_later(1, self.start_last)

    def start_last(self) -> None:
        self.servers[-1] = self.stack.start(FORGIVING, self.ports[-1])

    async def restart_postgres(self, number: int) -> None:
        engine = self.stack.engines.members["DATABASE_URL"]
        engine.process.send_signal(number)  # type: ignore[union-attr]
        while engine.process.poll() is None:  # noqa: ASYNC110  # type: ignore[union-attr]
            await asyncio.sleep(0.02)
        await self.begin_again("DATABASE_URL")

    async def begin_again(self, name: str) -> None:
        engine = self.stack.engines.members[name]
        before = engine.port
        with self.stack.engines.log.open("ab") as log:
            engine.begin(log)
        assert engine.port == before, "another process took the port"
        while not engine.is_ready():  # noqa: ASYNC110  (another process is waited for)
            await asyncio.sleep(0.02)

    async def run(self, way: str) -> Outcome:
        """Two seconds of messages, the kill, messages until all clients have caught up, and the comparison."""
        start = self.head()
        clients = [Client(n, self.ports, self.stack.tokens[n]) for n in range(CLIENTS)]
        for client in clients:
            client.last = start
        lives = [asyncio.create_task(client.live()) for client in clients]
        await asyncio.sleep(2)
        killed = time.monotonic()
        await self.ways[way]()
        back = killed if way == "server" else time.monotonic()
        head, marks = self.head(), [client.said for client in clients]
        await self.until(
            lambda: all(
                client.last >= head and client.said > mark + 5 and len(client.unacknowledged) < 5
                for client, mark in zip(clients, marks, strict=True)
            )
        )
        seconds = time.monotonic() - back
        await asyncio.sleep(1)
        for client in clients:
            client.is_talking = False
        await self.until(lambda: not any(client.unacknowledged for client in clients))
        end_ = self.head()
        await self.until(lambda: all(client.last >= end_ for client in clients))
        for client in clients:
            client.is_over = True
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        return self.account(clients, start, end_, seconds)

    def account(self, clients: list[Client], start: int, end_: int, seconds: float) -> Outcome:
        """Check that every acknowledged message is stored once under its number, and that every client received all in order."""
        stored = dict(
            self.query(
                "SELECT client_id::text, seq FROM chat_message m JOIN chat_room r ON r.id = m.room_id"
                " WHERE r.slug = 'hall' AND seq > %s",
                start,
            )
        )
        expected = list(range(start + 1, end_ + 1))
        acknowledged = {id_: seq for client in clients for id_, seq in client.acknowledged.items()}
        lost = sum(stored.get(id_) != seq for id_, seq in acknowledged.items())
        lost += sum(len(set(expected) - set(client.heard)) for client in clients)
        texts = self.query(
            "SELECT count(*) - count(DISTINCT (sender_id, text)) FROM chat_message WHERE seq > %s", start
        )
        doubled = texts[0][0] + sum(len(client.heard) - len(set(client.heard)) for client in clients)
        disordered = sum(
            sum(b < a for a, b in zip(client.heard, client.heard[1:], strict=False)) for client in clients
        )
        faults = [fault for client in clients for fault in client.faults]
        if sorted(stored.values()) != expected:
            faults.append("the numbers have gaps")
        return Outcome(lost, doubled, disordered, seconds, len(acknowledged), faults)

    async def until(self, condition: Callable[[], bool], seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def head(self) -> int:
        return self.query("SELECT head FROM chat_room WHERE slug = 'hall'")[0][0]

    def query(self, sql: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.stack.environment["DATABASE_URL"]) as connection:
            return connection.execute(sql, values).fetchall()


def main() -> None:
    """Kill each server as often as requested, print each outcome, and exit with 1 when a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", help="redis frozen server postgres crash; all of them without it")
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    missed = 0
    with running(with_peers=False) as stack:
        campaign = Campaign(stack)
        try:
            if unknown := set(options.what) - set(campaign.ways):
                parser.error(f"unknown: {', '.join(sorted(unknown))}")
            for way in options.what or campaign.ways:
                outcomes = []
                for _ in range(options.times):
                    one = uvloop.run(campaign.run(way))
                    outcomes.append(one)
                    print(
                        f"    {way:9} {one.acknowledged:5} acknowledged, {one.lost} lost, {one.doubled} doubled, "
                        f"{one.disordered} out of order, caught up after {one.seconds:.2f} s {' '.join(one.faults[:3])}",
                        flush=True,
                    )
                reached = sum(one.is_reached for one in outcomes)
                missed += len(outcomes) - reached
                print(
                    f"{'yes' if reached == len(outcomes) else 'NO '} {way}: {reached} of {len(outcomes)}, "
                    f"at most {max(one.seconds for one in outcomes):.2f} s",
                    flush=True,
                )
        finally:
            campaign.close()
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
