"""The hub of each event loop, created at its first use and closed when the server stops, and its periodic work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

import structlog
from django.db import DatabaseError, InterfaceError

_log = structlog.get_logger(__name__)


class Hub(Protocol):
    """The state of a slice's sockets in one event loop."""

    def start(self) -> None:
        """Start listening."""

    async def aclose(self) -> None:
        """Close all sockets, connections and threads."""


HubT = TypeVar("HubT", bound=Hub)


class HubRegistry(Generic[HubT]):
    """Hubs by event loop. `startup` and `shutdown` are the hooks of a slice's `routing.py`."""

    def __init__(self, make: Callable[[], HubT]) -> None:
        self._make = make
        self._hubs: dict[asyncio.AbstractEventLoop, HubT] = {}

    def get(self) -> HubT:
        """The running loop's hub, created and started if needed."""
        hub = self.find()
        if hub is None:
            hub = self._hubs[asyncio.get_running_loop()] = self._make()
            hub.start()
        return hub

    def find(self) -> HubT | None:
        return self._hubs.get(asyncio.get_running_loop())

    def list_all(self) -> list[HubT]:
        return list(self._hubs.values())

    async def startup(self) -> None:
        self.get()

    async def shutdown(self) -> None:
        hub = self.find()
        if hub is not None:
            try:
                await hub.aclose()
            finally:
                del self._hubs[asyncio.get_running_loop()]


async def repeat(name: str, *, every: float, work: Callable[[], Awaitable[None]]) -> None:
    """Call `work` every `every` seconds until cancelled. Errors are logged and do not stop it."""
    while True:
        await asyncio.sleep(every)
        try:
            await work()
        except (DatabaseError, InterfaceError) as error:
            _log.warning("sockets.upkeep_failed", work=name, error=type(error).__name__)
        except Exception:  # noqa: BLE001  (logged; the next turns still run)
            _log.exception("sockets.upkeep_broke", work=name)
