"""A frame on its way to sockets: encoded once, however many of them it goes to, in either form that a server takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infrastructure.server import websocket_protocol


class Frame:
    """The bytes of one frame, and the ASGI event with its text, which is made when a server wants that."""

    __slots__ = ("_event", "framed")

    def __init__(self, payload: bytes) -> None:
        self.framed = websocket_protocol.frame(payload)
        self._event: dict[str, Any] | None = None

    @property
    def event(self) -> dict[str, Any]:
        """For servers without the extension."""
        event = self._event
        if event is None:
            text = websocket_protocol.payload_of(self.framed).decode()
            event = self._event = {"type": "websocket.send", "text": text}
        return event


def joined(frames: Iterable[Frame]) -> dict[str, Any]:
    """Several frames as one event, for servers with the extension."""
    return {"type": websocket_protocol.FRAMED, "data": b"".join([frame.framed for frame in frames])}
