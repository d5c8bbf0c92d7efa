"""Deliveries a second in one room: the hub, which stores every message, beside a stock Channels consumer, which does not.

    .venv/bin/python -m benchmarks.chat_fanout [--sockets 200] [--seconds 4] [--rounds 3]

Throwaway PostgreSQL and Valkey; one server process on the first core, everything else on the others; rounds take
turns, medians are printed. One socket keeps `--window` messages on the way, so nothing is dropped by either.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from infrastructure.embedded import servers
from infrastructure.embedded.postgres import free_port

ROOT = Path(__file__).resolve().parent.parent
ROOM = "benchmark"


class Client(asyncio.Protocol):
    """A WebSocket client that does no more than count text frames (RFC 6455, section 5.2)."""

    def __init__(self, port: int, token: str) -> None:
        self.frames = 0
        self.mine = 0  # those that answer what this one said
        self.marker = b""
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard = asyncio.Event()
        self._request = (
            f"GET /ws/chat/{ROOM}/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: c2l4dGVlbiBieXRlcyAhIQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        )
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self._request.encode())

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self.open.done():
            head, separator, data = data.partition(b"\r\n\r\n")
            if not separator:
                self._rest = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.open.set_exception(ConnectionError(head.decode()))
                return
            self.open.set_result(None)
        at, end, frames = 0, len(data), 0
        while at + 4 <= end:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = data[at + 2] << 8 | data[at + 3], at + 4
            if start + length > end:
                break
            if data[at] == 0x81 and data.find(b'"message":', start, start + length) >= 0:
                frames += 1
            at = start + length
        self._rest = data[at:]
        self.frames += frames
        if frames:
            self.heard.set()

    def say(self, number: int) -> None:
        text = json.dumps({"message": f"message number {number} " + "x" * 80}).encode()
        mask = b"\0\0\0\0"
        self.transport.write(struct.pack(">BBH", 0x81, 0x80 | 126, len(text)) + mask + text)


async def load(port: int, token: str, sockets: int, seconds: float, window: int) -> tuple[float, float]:
    """Deliveries and messages a second."""
    loop = asyncio.get_running_loop()
    clients: list[Client] = []
    for _ in range(sockets):
        _, client = await loop.create_connection(lambda: Client(port, token), "127.0.0.1", port)
        await asyncio.wait_for(client.open, 10)
        clients.append(client)
    await asyncio.sleep(1.0)
    sender, said = clients[0], 0
    begun, counted_from, counted = time.perf_counter(), 0.0, 0
    while (now := time.perf_counter()) < begun + 1.0 + seconds:
        if not counted and now > begun + 1.0:
            counted_from, counted = now, sum(client.frames for client in clients)
        while said - sender.frames < window:
            sender.say(said)
            said += 1
        sender.heard.clear()
        await asyncio.wait_for(sender.heard.wait(), 10)
    rate = (sum(client.frames for client in clients) - counted) / (time.perf_counter() - counted_from)
    await asyncio.sleep(1.0)
    missing = said * sockets - sum(client.frames for client in clients)
    if missing:
        print(f"    {missing} of {said * sockets} deliveries are missing")
    for client in clients:
        client.transport.close()
    return rate, rate / sockets


@contextlib.contextmanager
def serving(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    """A server process on the first core."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    pinned = ["taskset", "-c", str(cores[0])] if len(cores) > 1 else []
    process = subprocess.Popen(
        [*pinned, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), contextlib.closing(_connection(port)):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the server did not start")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _connection(port: int):
    import socket

    return socket.create_connection(("127.0.0.1", port), timeout=1)


def prepare(environment: dict[str, str]) -> str:
    """Tables, one account, one room. Returns an access token."""
    code = (
        "import django; django.setup()\n"
        "from datetime import timedelta\n"
        "from django.core.management import call_command\n"
        "call_command('migrate', verbosity=0)\n"
        "from apps.users.models import User, Session\n"
        "from django.utils import timezone\n"
        "from infrastructure import token\n"
        "from apps.chat import services\n"
        "user = User.objects.create_user('benchmark@example.com', 'not of interest here', name='Benchmark')\n"
        "session = Session.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1))\n"
        f"services.create_room(actor_id=user.pk, slug={ROOM!r}, name='Benchmark')\n"
        "print(token.access_tokens().issue(user.pk, session.pk, timedelta(hours=2)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.split()[-1]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--window", type=int, default=64)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity") and len(cores := sorted(os.sched_getaffinity(0))) > 1:
        all_cores = set(cores)
    else:
        all_cores = set()
    with servers.throwaway(servers.from_environment({})) as given:
        environment = {
            **os.environ,
            **given.urls,
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DJANGO_READ_DOT_ENV": "0",
            "LOG_LEVEL": "ERROR",
            "JWT_KEYS": f"benchmark:{secrets.token_hex(32)}",
            "CHAT_FRAMES_PER_SECOND": "1000000",
            "CHAT_SOCKETS_PER_USER": "100000",
            "CHAT_SOCKETS_PER_ADDRESS": "100000",
        }
        token = prepare(environment)
        peers = {
            "stock Channels, RedisChannelLayer": [sys.executable, "-m", "benchmarks.stock_chat"],
            "hub, every message stored": [sys.executable, "-m", "config.serve", "--port"],
        }
        found: dict[str, list[float]] = {name: [] for name in peers}
        for _ in range(options.rounds):
            for name, command in peers.items():
                port = free_port()
                with serving([*command, str(port)], environment, port):
                    if all_cores:
                        os.sched_setaffinity(0, all_cores - {min(all_cores)})
                    rate, _ = uvloop.run(load(port, token, options.sockets, options.seconds, options.window))
                    if all_cores:
                        os.sched_setaffinity(0, all_cores)
                found[name].append(rate)
                print(f"    {name}: {rate:,.0f}", flush=True)
    base = statistics.median(found["stock Channels, RedisChannelLayer"])
    print(f"\n| one room, {options.sockets} sockets | deliveries/s | messages/s | ratio |\n|---|---|---|---|")
    for name, rates in found.items():
        median = statistics.median(rates)
        print(f"| {name} | {median:,.0f} | {median / options.sockets:,.0f} | {median / base:.1f} |")


if __name__ == "__main__":
    main()
