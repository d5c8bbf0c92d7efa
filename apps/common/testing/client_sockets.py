"""Helpers for tests of the sockets in generated Python clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apps.common.client_runtime import Runtime
from apps.common.client_runtime.python import pacing
from apps.common.client_runtime.python.reconnecting_socket import ReconnectingSocket


def shorten_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sockets reconnect after milliseconds."""
    monkeypatch.setattr(pacing, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(pacing, "SLOW_WAIT", 0.04)


def readme_example(runtime: Runtime, module: str) -> str:
    """The Python code in a README section, with names imported from `module`."""
    section = runtime.readmes["python"].section.format(module=module)
    return section.partition("```python\n")[2].partition("```")[0]


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario in a new event loop, for at most 30 seconds."""
    asyncio.run(asyncio.wait_for(scenario(), 30))


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for a condition. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


class Listener:
    """Collects every frame of a socket."""

    def __init__(self, socket: ReconnectingSocket[Any]) -> None:
        self.frames: list[Any] = []
        self.task = asyncio.create_task(self._listen(socket))

    async def _listen(self, socket: ReconnectingSocket[Any]) -> None:
        async for frame in socket.frames():
            self.frames.append(frame)

    def of_type(self, *types: str) -> list[Any]:
        """The frames of these types."""
        return [frame for frame in self.frames if frame["type"] in types]
