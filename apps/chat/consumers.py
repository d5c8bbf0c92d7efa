"""The socket of one person in one room: frames in, services and hub called, refusals told. It holds no rules.

One task serves a socket, on Channels' public consumer class; the stock one runs two, and a channel of the layer for
each. What goes out is sent by the hub (`hub/subscriber.py`), what comes in is read here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

import structlog
from channels.consumer import AsyncConsumer
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from apps.chat import protocol
from apps.chat.live import admission, runtime
from apps.chat.live.feed import Feed
from apps.chat.live.hub import Hub
from apps.chat.live.subscriber import Subscriber
from apps.chat.types import Draft
from apps.common.exceptions import DomainError
from apps.common.http.client_address import client_address
from apps.common.sockets import handshake
from infrastructure.telemetry import context

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_UNACKNOWLEDGED: Final = 64
TYPING_EVERY: Final = 2.0
BURST_SECONDS: Final = 5
_log = structlog.get_logger(__name__)


class ChatConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no annotations
    """`/ws/chat/<room>/`, as docs/chat.md describes it."""

    channel_layer_alias = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket from handshake to close."""
        hub = runtime.hub()
        context.bind(request_id=context.new_request_id())
        try:
            await receive()
            await self._serve(hub, scope, receive, send)
        except OSError:
            # The client left while it was being answered.
            return
        finally:
            context.clear()

    async def _serve(self, hub: Hub, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if not handshake.is_from_here(scope):
            await send({"type": "websocket.close"})  # before it is accepted: an HTTP 403
            return
        request = admission.read(scope)
        address = client_address(scope)
        # A socket is idle for hours: let go of what only the handshake needs, the headers and the token.
        scope["headers"].clear()
        hub.per_address[address] += 1
        try:
            judged = await self._judge(hub, request, address)
            # Only now, so that the answer to the handshake and the first frame, or the close, leave in one write.
            await send({"type": "websocket.accept", "subprotocol": request.subprotocol})
            entered = judged if isinstance(judged, int) else self._enter(hub, *judged, request, send)
            del request, judged
            if isinstance(entered, int):
                await send({"type": "websocket.close", "code": entered})
            else:
                await self._converse(hub, *entered, receive)
        finally:
            hub.per_address[address] -= 1
            if not hub.per_address[address]:
                del hub.per_address[address]

    async def _judge(
        self, hub: Hub, request: admission.HandshakeRequest, address: str
    ) -> tuple[admission.Participant, Feed] | int:
        """Who they are and the live room, or the code to close with."""
        if hub.is_closing:
            return admission.RESTART
        if hub.per_address[address] > settings.CHAT_SOCKETS_PER_ADDRESS:
            return admission.TOO_MANY_SOCKETS
        if not request.is_version_spoken:
            return admission.UNKNOWN_VERSION
        try:
            participant = await hub.admit(request.token, request.slug)
            if isinstance(participant, admission.Refusal):
                if participant.code == handshake.NOT_AUTHENTICATED:
                    return await handshake.refusal_of(address)
                return participant.code
            return participant, await hub.feed(participant.room_id, request.slug)
        except (DatabaseError, InterfaceError):
            _log.exception("chat.database_away")
            return admission.RESTART

    def _enter(
        self,
        hub: Hub,
        participant: admission.Participant,
        feed: Feed,
        request: admission.HandshakeRequest,
        send: Send,
    ) -> tuple[Feed, Subscriber] | int:
        """Let them in, or the code to close with. In one step, so that what is counted is counted once."""
        if hub.is_closing:
            return admission.RESTART
        if hub.count_of(participant.user_id) >= settings.CHAT_SOCKETS_PER_USER:
            return admission.TOO_MANY_SOCKETS
        context.bind(user=str(participant.user_id), room=str(participant.room_id))
        subscriber = Subscriber(
            send,
            user_id=participant.user_id,
            name=participant.name,
            session_id=participant.session_id,
            is_joined=request.is_joined,
        )
        hub.enter(subscriber, feed, after=request.after)
        if not request.is_after_valid:
            subscriber.tell(protocol.error(protocol.InvalidFrame("after is the number of a message.")))
        return feed, subscriber

    async def _converse(self, hub: Hub, feed: Feed, subscriber: Subscriber, receive: Receive) -> None:
        try:
            await Conversation(hub, feed, subscriber).converse(receive)
        except asyncio.CancelledError:
            # The hub has closed this socket and ends its task; any other cancellation goes on.
            task = asyncio.current_task()
            if not subscriber.is_closed or task is None or task.uncancel() > 0:
                raise
        finally:
            subscriber.gone()
            hub.leave(subscriber, feed)


class Conversation:
    """What one socket says, frame by frame."""

    def __init__(self, hub: Hub, feed: Feed, subscriber: Subscriber) -> None:
        self._hub = hub
        self._feed = feed
        self._subscriber = subscriber
        self._loop = asyncio.get_running_loop()
        self._rate = float(settings.CHAT_FRAMES_PER_SECOND)
        self._allowance = self._rate * BURST_SECONDS
        self._counted_at = self._loop.time()
        self._typed_at = -TYPING_EVERY
        self._unacknowledged: list[asyncio.Future[None]] = []

    async def converse(self, receive: Receive) -> None:
        """Take frames until the client leaves or is sent away."""
        subscriber = self._subscriber
        while True:
            event = await receive()
            if event["type"] != "websocket.receive":
                return
            if subscriber.is_closed:
                continue  # until the server reports the end
            if not self._is_within_rate():
                subscriber.close(admission.TOO_FAST)
                continue
            text = event.get("text")
            if text is None:
                subscriber.tell(protocol.error(protocol.InvalidFrame("Frames are text.")))
            elif len(text) > protocol.MAX_FRAME or len(text.encode()) > protocol.MAX_FRAME:
                subscriber.close(admission.TOO_BIG)
            else:
                self._take(text)
            # Reading waits for a client that does not take its answers, and for a database that is slow to store.
            await subscriber.relieved()
            while len(self._unacknowledged) > MAX_UNACKNOWLEDGED:
                await asyncio.wait({self._unacknowledged.pop(0)})

    def _take(self, text: str) -> None:
        try:
            frame = protocol.parse(text)
        except DomainError as failure:
            self._subscriber.tell(protocol.error(failure, protocol.quoted_client_id(text)))
            return
        match frame:
            case protocol.SendMessage():
                draft = Draft(
                    sender_id=self._subscriber.user_id,
                    text=frame.text,
                    client_id=frame.client_id or uuid4(),
                    reply_to=frame.reply_to,
                    attachments=frame.attachments,
                )
                self._send_message(draft)
            case protocol.Read():
                self._hub.read(self._subscriber, self._feed, frame.seq)
            case protocol.Typing():
                if self._loop.time() - self._typed_at >= TYPING_EVERY:
                    self._typed_at = self._loop.time()
                    self._hub.typing(self._subscriber, self._feed)
            case protocol.Ping():
                self._subscriber.tell(protocol.PONG)

    def _send_message(self, draft: Draft) -> None:
        while self._unacknowledged and self._unacknowledged[0].done():
            self._unacknowledged.pop(0)
        self._unacknowledged.append(self._hub.post(self._subscriber, self._feed, draft))

    def _is_within_rate(self) -> bool:
        """A bucket that fills by the second and holds a burst."""
        now = self._loop.time()
        self._allowance = min(
            self._allowance + (now - self._counted_at) * self._rate, self._rate * BURST_SECONDS
        )
        self._counted_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
