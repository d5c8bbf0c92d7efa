"""The part that all consumers share: one task serves one socket, from its handshake to its close.

The stock consumers of Channels run two tasks and a channel of the layer for each socket.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from channels.consumer import AsyncConsumer

from apps.common.sockets import handshake
from infrastructure.telemetry import context

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no annotations
    """Refuses handshakes from foreign pages; `serve` does the rest."""

    channel_layer_alias = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket."""
        context.bind(request_id=context.new_request_id())
        try:
            await receive()
            if handshake.is_same_site(scope):
                await self.serve(scope, receive, send)
            else:
                await send({"type": "websocket.close"})  # before it is accepted: an HTTP 403
        except OSError:
            # The client left while it was being answered.
            return
        finally:
            context.clear()

    async def serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer the handshake and what follows it."""
        raise NotImplementedError
