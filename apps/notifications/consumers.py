"""`/ws/notifications/`: the notifications of a user as they arrive. The protocol is in docs/notifications.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import orjson
import structlog
from django.db import DatabaseError, InterfaceError

from apps.common.exceptions import Unavailable
from apps.common.http.client_address import client_address
from apps.common.sockets import close_codes, handshake
from apps.common.sockets.consumer import SocketConsumer
from apps.common.sockets.handshake import HandshakeRequest
from apps.common.sockets.token_bucket import TokenBucket
from apps.common.sockets.types import Receive, Send
from apps.notifications.exceptions import TooManyStreams
from apps.notifications.live import quota
from apps.notifications.live.hub import Hub, hubs
from apps.notifications.live.stream import Stream
from apps.users import selectors as users
from apps.users import services
from apps.users.types import SessionReference, SessionUser
from infrastructure.telemetry import context

PROTOCOL: Final = "notifications.v1"
LAG_LIMIT: Final = 30.0
MAX_FRAME: Final = 1024
FRAMES_A_MINUTE: Final = 120
_log = structlog.get_logger(__name__)


class NotificationsConsumer(SocketConsumer):
    """A socket of one user, with a task that receives pings and a task that sends."""

    async def serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        hub = hubs.get()
        request = handshake.read(scope, protocol=PROTOCOL)
        judged = await _judge(hub, request, client_address(scope))
        await send({"type": "websocket.accept", "subprotocol": request.subprotocol})
        if isinstance(judged, int):
            code: int | None = judged
        else:
            user, release = judged
            context.bind(user=str(user.user_id))
            try:
                code = await _stream(hub, user, request, receive, send)
            finally:
                release()
        if code is not None:
            await send({"type": "websocket.close", "code": code})


async def _judge(
    hub: Hub, request: HandshakeRequest, address: str
) -> tuple[SessionUser, Callable[[], None]] | int:
    """Returns the user and a function that releases their slot, or the code to close with."""
    if not request.is_version_supported:
        return close_codes.UNKNOWN_VERSION
    try:
        proof = await _proof(hub, request)
        (user,) = await hub.threads.read(users.list_session_users, proofs=[proof])
    except Unavailable:
        return close_codes.RESTART
    except (DatabaseError, InterfaceError):
        _log.exception("notifications.database_away")
        return close_codes.RESTART
    if user is None:
        return await handshake.count_refusal(address)
    try:
        return user, quota.take(user=str(user.user_id), address=address)
    except TooManyStreams:
        return close_codes.TOO_MANY_SOCKETS


async def _proof(hub: Hub, request: HandshakeRequest) -> str | SessionReference | None:
    """Returns the token, or the session of the ticket. Raises Unavailable."""
    if request.token or not request.ticket:
        return request.token
    return await hub.threads.run(services.redeem_ticket, ticket=request.ticket)


async def _stream(
    hub: Hub, user: SessionUser, request: HandshakeRequest, receive: Receive, send: Send
) -> int | None:
    """Send and receive until one of them ends. Returns the code to close with, None when the client disconnected."""
    async with hub.open(user_id=user.user_id, session_id=user.session_id, after=request.after) as stream:
        if "after" in request.invalid:
            stream.tell(_error("after is the number of a notification."))
        sending = asyncio.create_task(_send(stream, send))
        receiving = asyncio.create_task(_receive(stream, receive))
        try:
            done, _ = await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            receiving.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
        try:
            # If both are done, the disconnect counts.
            return (receiving if receiving in done else sending).result()
        except OSError:
            raise
        except Exception:  # noqa: BLE001  (a bug: logged; only this socket ends)
            _log.exception("notifications.socket_broke")
            return close_codes.FAULT


async def _send(stream: Stream, send: Send) -> int | None:
    async for frame in stream.frames():
        if frame is None:
            continue  # the server sends pings itself
        text = orjson.dumps(frame, option=orjson.OPT_UTC_Z).decode()
        try:
            async with asyncio.timeout(LAG_LIMIT):
                await send({"type": "websocket.send", "text": text})
        except TimeoutError:
            return close_codes.LAGGING
    return stream.code


async def _receive(stream: Stream, receive: Receive) -> int | None:
    """Answer pings. All other frames are errors; too many frames close the socket."""
    frames = TokenBucket(rate=FRAMES_A_MINUTE / 60, burst=FRAMES_A_MINUTE)
    while True:
        event = await receive()
        if event["type"] != "websocket.receive":
            return None
        if not frames.take():
            return close_codes.TOO_FAST
        text = event.get("text")
        if len(text or event.get("bytes") or "") > MAX_FRAME:
            return close_codes.TOO_BIG
        stream.tell({"type": "pong"} if _is_ping(text) else _error("The only frame is a ping."))


def _is_ping(text: str | None) -> bool:
    try:
        return text is not None and orjson.loads(text) == {"type": "ping"}
    except orjson.JSONDecodeError:
        return False


def _error(detail: str) -> dict[str, str]:
    return {"type": "error", "code": "invalid_frame", "detail": detail}
