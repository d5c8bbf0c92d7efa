"""A frame to sockets, encoded once for all of them, in either form that a server accepts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infrastructure.server import websocket_protocol


class Frame:
    """The bytes of a frame, and its ASGI event, created on demand."""

    __slots__ = ("_event", "framed")

    def __init__(self, payload: bytes) -> None:
        self.framed = websocket_protocol.frame(payload)
        self._event: dict[str, Any] | None = None

    @property
    def event(self) -> dict[str, Any]:
        """The event for servers without the extension."""
        event = self._event
        if event is None:
            text = websocket_protocol.payload_of(self.framed).decode()
            event = self._event = {"type": "websocket.send", "text": text}
        return event


def joined(frames: Iterable[Frame]) -> dict[str, Any]:
    """Join frames into one event, for servers with the extension."""
    return {"type": websocket_protocol.FRAMED, "data": b"".join([frame.framed for frame in frames])}
