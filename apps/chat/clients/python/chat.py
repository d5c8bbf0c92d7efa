"""A room's socket that comes back (`/ws/chat/<room>/`, protocol `sarsen.chat.v1`), for asyncio. Needs `websockets`.

It resumes by `seq`, so that each message arrives once and in order; it keeps what is said without a line and sends it
when there is one, with a `client_id`, so that nothing is said twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
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

_PROTOCOL: Final = "sarsen.chat.v1"


class ChatSocket(ReconnectingSocket[Frame]):
    """A room, as an asynchronous context manager.

    `after` is the newest number that is known: what came after it is replayed; without it only new messages come.
    `unsent` are messages that an earlier socket did not get through. `on_state` is told each state and its close code.
    """

    def __init__(
        self,
        session: TokenSource,
        room: str,
        *,
        after: int | None = None,
        unsent: Sequence[Draft] = (),
        on_state: Callable[[State, int], None] | None = None,
    ) -> None:
        path = f"/ws/chat/{quote(room, safe='')}/"
        super().__init__(session, path=path, protocol=_PROTOCOL, after=after, on_state=on_state)
        self.room = room
        self._restored = tuple(unsent)
        self._outbox = Outbox()
        self._wake = asyncio.Event()

    @property
    def unsent(self) -> tuple[Draft, ...]:
        """What was said and is not acknowledged, in order. It stays when the socket is closed."""
        return self._outbox.drafts or self._restored

    async def __aenter__(self) -> Self:
        for draft in self._restored:
            self._outbox.add(draft)
        self._restored = ()
        return await super().__aenter__()

    async def say(self, message: str, **more: Any) -> AckFrame:
        """Say something, now or when there is a line; `more` are further members of the frame, `client_id` among them
        where the caller has one. Gives the receipt.

        Raises ChatRefused, and SocketStopped when the socket stops before.
        """
        return await self.post(message, **more)

    def post(self, message: str, **more: Any) -> asyncio.Future[AckFrame]:
        """The same without waiting: the receipt comes later. Raises TypeError for what is no JSON."""
        draft = {"client_id": str(uuid.uuid4()), **more, "message": message}
        json.dumps(draft)
        receipt = self._outbox.add(draft)
        if self.state is State.STOPPED:
            self._outbox.stop(self._stopped_by)
        self._wake.set()
        return receipt

    async def typing(self) -> None:
        """Tell the others that one is typing; nothing without a line."""
        await self._send({"type": "typing"})

    async def read(self, seq: int) -> None:
        """Tell that everything up to this number was read; nothing without a line."""
        await self._send({"type": "read", "seq": seq})

    def _take(self, frame: Frame) -> bool:
        self._wake.set()
        match frame["type"]:
            case "ack":
                self._outbox.acknowledge(frame)
            case "error":
                self._outbox.refuse(frame["code"], frame["detail"], frame.get("client_id"))
            case "message":
                if self.seq is not None and frame["seq"] > self.seq + 1:
                    raise Gap
                return self._advance(frame["seq"])
        return True

    def _turned(self, state: State, code: int) -> None:
        if code == CloseCode.TOO_BIG:
            # Sent again it would close the next line, too, so it is refused as if the server had said so.
            self._outbox.refuse("too_big", "The message is too long.", self._outbox.biggest)
        if state is State.OPEN:
            self._outbox.begin()
        elif state is State.STOPPED:
            self._outbox.stop(code)

    async def _speak(self) -> None:
        """Send what waits: in order, within the window and the rate."""
        while True:
            self._wake.clear()
            wait = await self._flush()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    async def _flush(self) -> float | None:
        """Send what may be sent now. Gives the seconds until there is more, None when only a frame can tell."""
        while self.state is State.OPEN:
            draft, wait = self._outbox.next_due()
            if draft is None:
                return wait
            await self._send(draft)
        return None

    async def _send(self, frame: Mapping[str, Any]) -> bool:
        if self.state is State.OPEN:
            self._outbox.allowance.take()  # everything counts, messages or not
        return await super()._send(frame)
