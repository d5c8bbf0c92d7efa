"""A bus without Redis, for tests of listeners: several buses share one `Air`, which can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infrastructure.realtime.bus import Listener


class Air:
    """Carries payloads between buses, unless `is_gone`."""

    def __init__(self) -> None:
        self.buses: list[MemoryBus] = []
        self.is_gone = False

    def lose(self) -> None:
        """Simulate a Redis outage."""
        self.is_gone = True

    def restore(self) -> None:
        """End the outage: receiving every channel begins again."""
        self.is_gone = False
        for bus in self.buses:
            for channel in tuple(bus.listeners):
                bus.on_subscribed(channel)


class MemoryBus:
    """`bus.Bus` within one process. `ask` answers None, as without Redis."""

    def __init__(self, air: Air, *, on_subscribed: Callable[[str], None]) -> None:
        self.air = air
        self.on_subscribed = on_subscribed
        self.listeners: dict[str, Listener] = {}
        air.buses.append(self)

    @property
    def is_connected(self) -> bool:
        return not self.air.is_gone

    async def subscribe(self, channel: str, listener: Listener) -> None:
        self.listeners[channel] = listener
        if self.is_connected:
            self.on_subscribed(channel)

    async def unsubscribe(self, channel: str) -> None:
        self.listeners.pop(channel, None)

    def publish(self, channel: str, body: bytes) -> None:
        """Deliver to this bus, and to the others unless the air is gone."""
        for bus in self.air.buses:
            if (bus is self or not self.air.is_gone) and channel in bus.listeners:
                bus.listeners[channel](body)

    def send(self, *command: Any) -> None:
        """Does nothing: there is no Redis."""

    async def ask(self, *commands: tuple[Any, ...]) -> list[Any] | None:
        """No answer."""
        return None
