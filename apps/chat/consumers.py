"""The socket of one user in one room: reads frames, calls services and the hub, sends errors. It holds no rules.

Outgoing frames are sent by the hub (`live/subscriber.py`).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from apps.chat import protocol
from apps.chat.live import admission
from apps.chat.live.feed import Feed
from apps.chat.live.hub import Hub, hubs
from apps.chat.live.subscriber import Subscriber
from apps.chat.types import Draft
from apps.common.exceptions import DomainError, Unavailable
from apps.common.http.client_address import client_address
from apps.common.sockets import close_codes, handshake
from apps.common.sockets.consumer import SocketConsumer
from apps.common.sockets.handshake import HandshakeRequest
from apps.common.sockets.token_bucket import TokenBucket
from apps.common.sockets.types import Receive, Send
from infrastructure.server import websocket_protocol
from infrastructure.telemetry import context, tracing

MAX_UNACKNOWLEDGED: Final = 64
TYPING_EVERY: Final = 2.0
BURST_SECONDS: Final = 5
_log = structlog.get_logger(__name__)


class ChatConsumer(SocketConsumer):
    """`/ws/chat/<room>/`, described in apps/chat/docs/chat.md."""

    async def serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        hub = hubs.get()
        request = handshake.read(scope, protocol=protocol.PROTOCOL)
        slug: str = scope["url_route"]["kwargs"]["slug"]
        is_joined = websocket_protocol.EXTENSION in scope.get("extensions", ())
        address = client_address(scope)
        # A socket is open for hours: free the headers and the token, which only the handshake needs.
        scope["headers"].clear()
        hub.per_address[address] += 1
        try:
            judged = await self._judge(hub, request, slug, address)
            # Accepted only now, so that it leaves in one write with the first frame or the close.
            await send({"type": "websocket.accept", "subprotocol": request.subprotocol})
            entered = (
                judged
                if isinstance(judged, int)
                else self._enter(hub, *judged, request, send, is_joined=is_joined)
            )
            del request, judged
            code = entered if isinstance(entered, int) else await self._converse(hub, *entered, receive)
            if code is not None:
                await send({"type": "websocket.close", "code": code})
        finally:
            hub.per_address[address] -= 1
            if not hub.per_address[address]:
                del hub.per_address[address]

    async def _judge(
        self, hub: Hub, request: HandshakeRequest, slug: str, address: str
    ) -> tuple[admission.Participant, Feed] | int:
        """Returns the participant and the live room, or the code to close with."""
        if hub.is_closing:
            return close_codes.RESTART
        if hub.per_address[address] > settings.CHAT_SOCKETS_PER_ADDRESS:
            return close_codes.TOO_MANY_SOCKETS
        if not request.is_version_supported:
            return close_codes.UNKNOWN_VERSION
        try:
            participant = await hub.admit(request.token, request.ticket, slug)
            if participant == close_codes.NOT_AUTHENTICATED:
                return await handshake.count_refusal(address)
            if isinstance(participant, int):
                return participant
            return participant, await hub.feed(participant.room_id, slug)
        except Unavailable:  # Redis, which keeps the tickets
            return close_codes.RESTART
        except (DatabaseError, InterfaceError):
            _log.exception("chat.database_away")
            return close_codes.RESTART

    def _enter(
        self,
        hub: Hub,
        participant: admission.Participant,
        feed: Feed,
        request: HandshakeRequest,
        send: Send,
        *,
        is_joined: bool,
    ) -> tuple[Subscriber, Feed] | int:
        """Enter the room, or return the code to close with. Without an await, so that each socket is counted once."""
        if hub.is_closing:
            return close_codes.RESTART
        if hub.count_of(participant.user_id) >= settings.CHAT_SOCKETS_PER_USER:
            return close_codes.TOO_MANY_SOCKETS
        context.bind(user=str(participant.user_id), room=str(participant.room_id))
        subscriber = Subscriber(
            send,
            user_id=participant.user_id,
            name=participant.name,
            session_id=participant.session_id,
            is_joined=is_joined,
        )
        hub.enter(subscriber, feed, after=request.after, changes=request.changes)
        for name in request.invalid:
            numbered = "message" if name == "after" else "change"
            subscriber.tell(protocol.error(protocol.InvalidFrame(f"{name} is the number of a {numbered}.")))
        return subscriber, feed

    async def _converse(self, hub: Hub, subscriber: Subscriber, feed: Feed, receive: Receive) -> int | None:
        """Read frames. Returns the code to close with, None when the hub or the client has closed the socket."""
        try:
            await Conversation(hub, feed, subscriber).converse(receive)
        except asyncio.CancelledError:
            # The hub has closed this socket and ends its task; any other cancellation is raised.
            task = asyncio.current_task()
            if not subscriber.is_closed or task is None or task.uncancel() > 0:
                raise
        except OSError:
            raise
        except Exception:  # noqa: BLE001  (a bug: logged; only this socket ends)
            _log.exception("chat.socket_broke")
            return close_codes.FAULT
        finally:
            subscriber.gone()
            hub.leave(subscriber, feed)
        return None


class Conversation:
    """Handles the frames of one socket."""

    def __init__(self, hub: Hub, feed: Feed, subscriber: Subscriber) -> None:
        self._hub = hub
        self._feed = feed
        self._subscriber = subscriber
        self._loop = asyncio.get_running_loop()
        rate = settings.CHAT_FRAMES_PER_SECOND
        self._frames = TokenBucket(rate=rate, burst=rate * BURST_SECONDS)
        self._typed_at = -TYPING_EVERY
        self._unacknowledged: list[asyncio.Future[None]] = []

    async def converse(self, receive: Receive) -> None:
        """Read frames until the client disconnects."""
        subscriber = self._subscriber
        while True:
            event = await receive()
            if event["type"] != "websocket.receive":
                return
            if subscriber.is_closed:
                continue  # until the server reports the end
            if not self._frames.take():
                subscriber.close(close_codes.TOO_FAST)
                continue
            text = event.get("text")
            if _is_too_big(text or event.get("bytes") or ""):
                subscriber.close(close_codes.TOO_BIG)
            elif text is None:
                self._refuse(
                    protocol.InvalidFrame("Frames are text."), event["bytes"].decode(errors="replace")
                )
            else:
                with tracing.span("socket frame"):
                    self._take(text)
            # Backpressure: stop reading while the client does not read its answers or the database is slow.
            await subscriber.relieved()
            while len(self._unacknowledged) > MAX_UNACKNOWLEDGED:
                await asyncio.wait({self._unacknowledged.pop(0)})

    def _take(self, text: str) -> None:
        try:
            frame = protocol.parse(text, sender_id=self._subscriber.user_id)
        except DomainError as failure:
            self._refuse(failure, text)
            return
        match frame:
            case Draft():
                self._send_message(frame)
            case protocol.Read():
                self._hub.read(self._subscriber, self._feed, frame.seq)
            case protocol.Typing():
                if self._loop.time() - self._typed_at >= TYPING_EVERY:
                    self._typed_at = self._loop.time()
                    self._hub.typing(self._subscriber, self._feed)
            case protocol.Ping():
                self._subscriber.tell(protocol.PONG)

    def _refuse(self, failure: DomainError, text: str) -> None:
        self._subscriber.tell(protocol.error(failure, protocol.client_id_of(text)))

    def _send_message(self, draft: Draft) -> None:
        while self._unacknowledged and self._unacknowledged[0].done():
            self._unacknowledged.pop(0)
        self._unacknowledged.append(self._hub.post(self._subscriber, self._feed, draft))


def _is_too_big(frame: str | bytes) -> bool:
    if isinstance(frame, bytes):
        return len(frame) > protocol.MAX_FRAME
    # A character has four bytes at most, so most texts need not be encoded.
    return 4 * len(frame) > protocol.MAX_FRAME and len(frame.encode()) > protocol.MAX_FRAME
