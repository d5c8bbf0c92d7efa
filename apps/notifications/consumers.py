"""`/ws/notifications/`: one person's notifications as they come. It holds no rules; docs/chat.md describes the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import structlog
from channels.consumer import AsyncConsumer
from django.db import DatabaseError, InterfaceError

from apps.common.http.client_address import client_address
from apps.common.sockets import handshake
from apps.notifications.exceptions import TooManyStreams
from apps.notifications.live import quota, runtime
from apps.notifications.live.stream import RESTART, Stream
from apps.users import selectors as users
from infrastructure.telemetry import context

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PROTOCOL: Final = "sarsen.notifications.v1"
TOO_MANY_SOCKETS: Final = 4409
TOO_FAST: Final = 4429
TOO_BIG: Final = 1009
LAGS: Final = 1013
LAG_LIMIT: Final = 30.0
MAX_FRAME: Final = 1024
FRAMES_A_MINUTE: Final = 120
_log = structlog.get_logger(__name__)


class NotificationsConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no annotations
    """A socket of one person. Two tasks: what comes in (pings), and what goes out."""

    channel_layer_alias = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket from handshake to close."""
        context.bind(request_id=context.new_request_id())
        try:
            await receive()
            if not handshake.is_from_here(scope):
                await send({"type": "websocket.close"})  # before it is accepted: an HTTP 403
                return
            chosen = handshake.subprotocol_of(scope, protocol=PROTOCOL)
            await send({"type": "websocket.accept", "subprotocol": chosen})
            if handshake.is_version_spoken(scope, protocol=PROTOCOL):
                code = await self._serve(scope, receive, send)
            else:
                code = handshake.UNKNOWN_VERSION
            if code is not None:
                await send({"type": "websocket.close", "code": code})
        except OSError:
            # The client left while it was being answered.
            return
        finally:
            context.clear()

    async def _serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> int | None:
        """The code to close with; None when the client has left."""
        hub = runtime.hub()
        token, (after, is_valid) = handshake.token_of(scope), handshake.after_of(scope)
        try:
            (visitor,) = await hub.threads.read(users.list_visitors, given=[token])
        except (DatabaseError, InterfaceError):
            _log.exception("notifications.database_away")
            return RESTART
        if visitor is None:
            return await handshake.refusal_of(client_address(scope))
        try:
            slot = quota.take(user=str(visitor.user_id), address=client_address(scope))
        except TooManyStreams:
            return TOO_MANY_SOCKETS
        context.bind(user=str(visitor.user_id))
        try:
            async with hub.open(
                user_id=visitor.user_id, session_id=visitor.session_id, after=after
            ) as stream:
                if not is_valid:
                    stream.tell(_error("after is the number of a notification."))
                return await _converse(stream, receive, send)
        finally:
            slot.release()


async def _converse(stream: Stream, receive: Receive, send: Send) -> int | None:
    """Both directions, until one of them ends; the other one is ended then."""
    speaking = asyncio.create_task(_speak(stream, send))
    hearing = asyncio.create_task(_hear(stream, receive))
    try:
        done, _ = await asyncio.wait({speaking, hearing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        speaking.cancel()
        hearing.cancel()
        await asyncio.gather(speaking, hearing, return_exceptions=True)
    # Both may be done: that the client has left is then the last word.
    return (hearing if hearing in done else speaking).result()


async def _speak(stream: Stream, send: Send) -> int | None:
    async for frame in stream.frames():
        if frame is None:
            continue  # the server pings by itself
        try:
            async with asyncio.timeout(LAG_LIMIT):
                await send(
                    {
                        "type": "websocket.send",
                        "text": orjson.dumps(frame, option=orjson.OPT_UTC_Z).decode(),
                    }
                )
        except TimeoutError:
            return LAGS
    return stream.code


async def _hear(stream: Stream, receive: Receive) -> int | None:
    """Pings are answered; everything else is an error, and too much of it the end."""
    loop = asyncio.get_running_loop()
    allowance, counted_at = float(FRAMES_A_MINUTE), loop.time()
    while True:
        event = await receive()
        if event["type"] != "websocket.receive":
            return None
        now = loop.time()
        allowance = min(allowance + (now - counted_at) * FRAMES_A_MINUTE / 60, FRAMES_A_MINUTE) - 1
        counted_at = now
        if allowance < 0:
            return TOO_FAST
        text = event.get("text")
        if len(text or event.get("bytes") or "") > MAX_FRAME:
            return TOO_BIG
        stream.tell({"type": "pong"} if _is_ping(text) else _error("The only frame is a ping."))


def _is_ping(text: str | None) -> bool:
    try:
        return text is not None and orjson.loads(text) == {"type": "ping"}
    except orjson.JSONDecodeError:
        return False


def _error(detail: str) -> dict[str, str]:
    return {"type": "error", "code": "invalid_frame", "detail": detail}
