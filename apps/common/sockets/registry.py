"""The hub of each event loop: made by the first who asks for it, closed when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Hub(Protocol):
    """What a slice keeps for its sockets in one event loop."""

    def start(self) -> None:
        """Begin to listen."""

    async def aclose(self) -> None:
        """End every socket and let go of connections and threads."""


HubT = TypeVar("HubT", bound=Hub)


class HubRegistry(Generic[HubT]):
    """Hubs by event loop. `startup` and `shutdown` are the hooks that a slice's `routing.py` offers to the server."""

    def __init__(self, make: Callable[[], HubT]) -> None:
        self._make = make
        self._hubs: dict[asyncio.AbstractEventLoop, HubT] = {}

    def get(self) -> HubT:
        """The running loop's hub, which listens from the first call on."""
        hub = self.find()
        if hub is None:
            hub = self._hubs[asyncio.get_running_loop()] = self._make()
            hub.start()
        return hub

    def find(self) -> HubT | None:
        """The running loop's hub, if it has one."""
        return self._hubs.get(asyncio.get_running_loop())

    def list_all(self) -> list[HubT]:
        """The hubs of all loops of this process."""
        return list(self._hubs.values())

    async def startup(self) -> None:
        """Listen before the first socket comes."""
        self.get()

    async def shutdown(self) -> None:
        """Close the running loop's hub."""
        hub = self.find()
        if hub is not None:
            try:
                await hub.aclose()
            finally:
                del self._hubs[asyncio.get_running_loop()]
