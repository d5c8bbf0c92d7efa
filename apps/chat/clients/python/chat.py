"""A reconnecting socket for one room (`/ws/chat/<room>/`, protocol `chat.v1`), for asyncio. Needs `websockets`.

It resumes after the newest `seq`, so that each message arrives once and in order, and after the newest `change`, so that no
edit and no deletion is missed. Messages sent while it is disconnected are kept and sent later. Each has a `client_id`, so
that the server stores it once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
import warnings
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Self
from urllib.parse import quote

from apps.chat.clients.python.frames import AckFrame, Draft, Frame
from apps.chat.clients.python.outbox import Outbox
from apps.common.client_runtime.python.reconnecting_socket import (
    CloseCode,
    Gap,
    ReconnectingSocket,
    State,
    TokenSource,
)

_PROTOCOL: Final = "chat.v1"


class ChatSocket(ReconnectingSocket[Frame]):
    """The socket of a room, as an asynchronous context manager.

    `after` is the number of the newest known message, `changes` that of the newest known edit or deletion: later ones are
    replayed. Without `after`, only new messages arrive.
    `unsent` are messages that an earlier socket could not deliver. `on_state` is called with each state and its close
    code.
    """

    def __init__(
        self,
        session: TokenSource,
        room: str,
        *,
        after: int | None = None,
        changes: int | None = None,
        unsent: Sequence[Draft] = (),
        on_state: Callable[[State, int], None] | None = None,
    ) -> None:
        path = f"/ws/chat/{quote(room, safe='')}/"
        super().__init__(session, path=path, protocol=_PROTOCOL, after=after, on_state=on_state)
        self.room = room
        self.change = changes
        """The newest edit or deletion received, for `changes` of a later socket; None before one is known."""
        self._is_new = after is None
        self._restored = tuple(unsent)
        self._outbox = Outbox()
        self._wake = asyncio.Event()

    @property
    def unsent(self) -> tuple[Draft, ...]:
        """Messages that are not acknowledged, in order. They stay when the socket is closed."""
        return self._outbox.drafts or self._restored

    async def __aenter__(self) -> Self:
        for draft in self._restored:
            self._outbox.add(draft)
        self._restored = ()
        return await super().__aenter__()

    async def send(self, message: str, **more: Any) -> AckFrame:
        """Send a message, now or once connected, and wait until it is acknowledged.

        `more` are further members of the frame, such as `reply_to`, or a `client_id` of your own. Raises ChatRefused, and
        SocketStopped when the socket stops first.
        """
        return await self.post(message, **more)

    def discard(self, client_id: str) -> None:
        """Give up a message that is not acknowledged; its future fails. The server may have stored it nevertheless."""
        self._outbox.refuse("discarded", "The message was discarded.", client_id)

    def say(self, message: str, **more: Any) -> Coroutine[Any, Any, AckFrame]:
        """Deprecated name of `send`."""
        warnings.warn("ChatSocket.say is deprecated: use send", DeprecationWarning, stacklevel=2)
        return self.send(message, **more)

    def post(self, message: str, **more: Any) -> asyncio.Future[AckFrame]:
        """Like `send`, without waiting. Raises TypeError when `more` is not JSON."""
        draft = {"client_id": str(uuid.uuid4()), **more, "message": message}
        json.dumps(draft)
        acknowledged = self._outbox.add(draft)
        if self.state is State.STOPPED:
            self._outbox.stop(self._stopped_by)
        self._wake.set()
        return acknowledged

    async def typing(self) -> None:
        """Show the other members that you are typing. Does nothing while disconnected."""
        await self._send_frame({"type": "typing"})

    async def read(self, seq: int) -> None:
        """Mark everything up to this number as read. Does nothing while disconnected."""
        await self._send_frame({"type": "read", "seq": seq})

    def _accept(self, frame: Frame) -> bool:
        self._wake.set()
        match frame["type"]:
            case "welcome":
                if self._is_new and self.change is None:
                    self.change = frame.get("change")
                self._is_new = False  # later changes, up to that of another welcome, are replayed first
            case "edited" | "deleted":
                return self._advance_change(frame.get("change"))
            case "ack":
                self._outbox.acknowledge(frame)
            case "error":
                self._outbox.refuse(frame["code"], frame["detail"], frame.get("client_id"))
            case "message":
                if self.seq is not None and frame["seq"] > self.seq + 1:
                    raise Gap
                return self._advance(frame["seq"])
        return True

    def _newest(self) -> dict[str, int | None]:
        return {**super()._newest(), "changes": self.change}

    def _advance_change(self, change: int | None) -> bool:
        """Returns whether this change is the newest, and remembers it. An older server does not number changes."""
        if change is None:
            return True
        if self.change is not None and change <= self.change:
            return False
        self.change = change
        return True

    def _state_changed(self, state: State, code: int) -> None:
        if code == CloseCode.TOO_BIG:
            # Sent again, it would close the next connection, too.
            self._outbox.refuse("too_big", "The message is too long.", self._outbox.biggest)
        if state is State.OPEN:
            self._outbox.begin()
        elif state is State.STOPPED:
            self._outbox.stop(code)

    async def _write(self) -> None:
        """Send waiting messages in order, within the window and the rate."""
        while True:
            self._wake.clear()
            wait = await self._flush()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    async def _flush(self) -> float | None:
        """Send what the limits allow. Returns the seconds until more is allowed, None when a frame decides that."""
        while self.state is State.OPEN:
            draft, wait = self._outbox.next_due()
            if draft is None:
                return wait
            await self._send_frame(draft)
        return None

    async def _send_frame(self, frame: Mapping[str, Any]) -> bool:
        if self.state is State.OPEN:
            self._outbox.allowance.take()  # frames of every type count
        return await super()._send_frame(frame)
