"""The measurements, each for one peer at a time. Messages contain the mark, so that deliveries can be counted cheaply."""

from __future__ import annotations

import asyncio
import contextlib
import re
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.chat.client import Client, enter
from benchmarks.chat.stack import Peer, Stack

_NUMBER = re.compile(rb"\|~\|(\d+)\|")
SETTLE = 0.5


@contextlib.asynccontextmanager
async def sockets(
    port: int, peer: Peer, pairs: Sequence[tuple[str, str]], *, at_once: int = 16
) -> AsyncIterator[list[Client]]:
    """A welcomed socket for each (room, token); closed at the end."""
    clients: list[Client] = []
    for begin in range(0, len(pairs), at_once):
        some = pairs[begin : begin + at_once]
        clients += await asyncio.gather(*(enter(port, slug, token, peer.speaks) for slug, token in some))
    await asyncio.sleep(SETTLE)
    try:
        yield clients
    finally:
        for client in clients:
            client.transport.abort()
        await asyncio.sleep(0.1)


async def fan_out(stack: Stack, peer: Peer, port: int, *, seconds: float, window: int = 256) -> float:
    """Deliveries a second in a room of 200 users, four of whom keep `window` messages in flight."""
    async with sockets(port, peer, [("hall", token) for token in stack.tokens[:200]]) as clients:
        listener, said = clients[0], 0
        begun, counted_from, counted = time.perf_counter(), 0.0, 0
        while (now := time.perf_counter()) < begun + 1.0 + seconds:
            if not counted and now > begun + 1.0:
                counted_from, counted = now, sum(client.count for client in clients)
            while said - listener.count < window:
                clients[said % 4].say(f"|~|{said}|")
                said += 1
            listener.heard.clear()
            try:
                await asyncio.wait_for(listener.heard.wait(), 2)
            except TimeoutError:
                # With a layer that drops silently the senders would wait forever.
                said = listener.count
        return (sum(client.count for client in clients) - counted) / (time.perf_counter() - counted_from)


async def latency(stack: Stack, peer: Peer, port: int, *, seconds: float) -> tuple[float, float]:
    """Median and 99th percentile of milliseconds from send to receipt, ten messages a second to 200 sockets."""
    took: list[float] = []

    def hear(payload: bytes) -> None:
        found = _NUMBER.search(payload)
        if found:
            took.append((time.perf_counter_ns() - int(found[1])) / 1e6)

    async with sockets(port, peer, [("hall", token) for token in stack.tokens[:200]]) as clients:
        for client in clients:
            client.on_frame = hear
        for beat in range(int(seconds * 10) + 10):
            if beat == 10:
                took.clear()
            clients[beat % 200].say(f"|~|{time.perf_counter_ns()}|")
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE)
    quantiles = statistics.quantiles(took, n=100)
    return quantiles[49], quantiles[98]


async def connects(stack: Stack, peer: Peer, port: int, *, at_once: int = 32) -> float:
    """Sockets welcomed in a second, each of another user; all stay open. The first 200 are not counted."""
    waiting = list(enumerate(stack.tokens))
    clients: list[Client] = []

    async def come(until: int) -> None:
        while len(waiting) > until:
            user, token = waiting.pop()
            clients.append(await enter(port, stack.room(user), token, peer.speaks))

    await asyncio.gather(*(come(len(stack.tokens) - 200) for _ in range(at_once)))
    begun, before = time.perf_counter(), len(clients)
    await asyncio.gather(*(come(0) for _ in range(at_once)))
    rate = (len(clients) - before) / (time.perf_counter() - begun)
    for client in clients:
        client.transport.abort()
    return rate


async def stored(stack: Stack, peer: Peer, port: int, *, seconds: float, window: int = 16) -> float:
    """Stored messages a second in a room of 50 users who all send, each with up to `window` messages in flight."""
    async with sockets(port, peer, [("hall", token) for token in stack.tokens[:50]]) as clients:
        return await _talk(clients, seconds=seconds, window=window, share=50)


async def rooms(stack: Stack, peer: Peer, port: int, *, seconds: float) -> float:
    """Stored round trips a second: one user in each of 50 rooms sends the next message when the last one has arrived."""
    pairs = [(stack.room(user), stack.tokens[user]) for user in range(50)]
    async with sockets(port, peer, pairs) as clients:
        return await _talk(clients, seconds=seconds, window=1, share=1)


async def _talk(clients: Sequence[Client], *, seconds: float, window: int, share: int) -> float:
    is_over = False

    async def talk(client: Client) -> None:
        said = 0
        while not is_over and not client.is_lost:
            # All members receive all messages: one in `share` is the sender's own.
            while said - client.count // share < window:
                client.say(f"|~|{said}|")
                said += 1
            client.heard.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(client.heard.wait(), 5)

    tasks = [asyncio.create_task(talk(client)) for client in clients]
    await asyncio.sleep(1.0)
    begun, before = time.perf_counter(), sum(client.count for client in clients)
    await asyncio.sleep(seconds)
    rate = (sum(client.count for client in clients) - before) / (time.perf_counter() - begun)
    is_over = True
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return rate / len(clients) * (len(clients) / share)


async def idle(stack: Stack, peer: Peer, port: int, process: subprocess.Popen[bytes], count: int) -> float:
    """KiB of the server's memory for each of many idle sockets."""
    pairs = [(stack.room(n % len(stack.tokens)), stack.tokens[n % len(stack.tokens)]) for n in range(count)]
    async with sockets(port, peer, pairs[:200]):
        pass  # without the memory of the first imports
    await asyncio.sleep(1)
    before = resident(process.pid)
    async with sockets(port, peer, pairs, at_once=64) as clients:
        await asyncio.sleep(3)
        lost = sum(client.is_lost for client in clients)
        if lost:
            print(f"    {peer.name} lost {lost} of them")
        return (resident(process.pid) - before) / count


async def burst(stack: Stack, peer: Peer, port: int, process: subprocess.Popen[bytes], count: int) -> Burst:
    """`count` messages of 1 KB as fast as the server accepts them, to 60 readers of whom ten pause for three seconds."""
    heard: list[list[int]] = [[] for _ in range(60)]

    def listener(mine: list[int]) -> Callable[[bytes], None]:
        def hear(payload: bytes) -> None:
            found = _NUMBER.search(payload)
            if found:
                mine.append(int(found[1]))

        return hear

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, resident(process.pid))
            await asyncio.sleep(0.05)

    async with sockets(port, peer, [("hall", token) for token in stack.tokens[:61]]) as clients:
        *readers, sender = clients
        for reader, mine in zip(readers, heard, strict=True):
            reader.on_frame = listener(mine)
        before = peak = resident(process.pid)
        watcher = asyncio.create_task(watch())
        for reader in readers[:10]:
            reader.transport.pause_reading()
        begun = time.perf_counter()
        for number in range(count):
            sender.say(f"|~|{number}|" + "x" * 1000)
        await asyncio.sleep(3)
        for reader in readers[:10]:
            if not reader.is_lost:
                reader.transport.resume_reading()
        seconds = await _until_still(lambda: sum(map(len, heard)), count * 60) - begun
        watcher.cancel()
    return Burst(
        lost=sum(count - len(set(mine)) for mine in heard),
        doubled=sum(len(mine) - len(set(mine)) for mine in heard),
        disordered=sum(sum(b < a for a, b in pairwise(mine)) for mine in heard),
        growth=(peak - before) / 1024,
        seconds=seconds,
    )


async def _until_still(total: Callable[[], int], expected: int) -> float:
    """Returns the time of the last message: of all expected ones, or of the last before five seconds without one."""
    seen, at = -1, time.perf_counter()
    while seen < expected and time.perf_counter() - at < 5:
        await asyncio.sleep(0.05)
        if total() != seen:
            seen, at = total(), time.perf_counter()
    return at


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """The result of a burst: deliveries lost, duplicated and out of order, growth of memory in MiB."""

    lost: int
    doubled: int
    disordered: int
    growth: float
    seconds: float

    @property
    def is_flawless(self) -> bool:
        return not (self.lost or self.doubled or self.disordered)

    def __str__(self) -> str:
        return (
            f"{self.lost:,} lost, {self.doubled} doubled, {self.disordered} out of order, "
            f"+{self.growth:.0f} MiB, {self.seconds:.1f} s"
        )


def resident(pid: int) -> float:
    """Returns the memory of a process in KiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4.0
