"""The part that all consumers share: one task serves one socket, from its handshake to its close.

The stock consumers of Channels run two tasks and a channel of the layer for each socket.
"""

from __future__ import annotations

from typing import Any

from channels.consumer import AsyncConsumer

from apps.common.exceptions import Denied
from apps.common.sockets import handshake, refusals
from apps.common.sockets.types import Receive, Send
from infrastructure.telemetry import context


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
                await refusals.refuse(
                    scope,
                    receive,
                    send,
                    status=403,
                    code=Denied.code,
                    detail="Pages of this origin open no sockets here.",
                )
        except OSError:
            # The client left while it was being answered.
            return
        finally:
            context.clear()

    async def serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer the handshake and what follows it."""
        raise NotImplementedError
