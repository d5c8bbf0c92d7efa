"""The base of consumers: one task for each socket, where the consumers of Channels use two tasks and a channel."""

from __future__ import annotations

from typing import Any

from channels.consumer import AsyncConsumer

from apps.common.exceptions import Denied
from apps.common.sockets import handshake, problems
from apps.common.sockets.types import Receive, Send
from infrastructure.telemetry import context


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no annotations
    """Refuses handshakes from pages of other origins."""

    channel_layer_alias = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        context.bind(request_id=context.new_request_id())
        try:
            await receive()
            if handshake.is_same_site(scope):
                await self.serve(scope, receive, send)
            else:
                await problems.refuse(
                    scope,
                    receive,
                    send,
                    status=403,
                    code=Denied.code,
                    detail="Pages of this origin may not open sockets here.",
                )
        except OSError:
            return  # the client disconnected during an answer
        finally:
            context.clear()

    async def serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer the handshake and serve the socket until its close."""
        raise NotImplementedError
