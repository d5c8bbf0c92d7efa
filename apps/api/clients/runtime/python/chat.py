"""A room's socket that comes back (`/ws/chat/<room>/`, protocol `sarsen.chat.v1`), for asyncio. Needs `websockets`.

It resumes by `seq`, so that each message arrives once and in order; it keeps what is said without a line and sends it
when there is one, with a `client_id`, so that nothing is said twice; and it waits between attempts, longer each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from enum import IntEnum, StrEnum
from types import TracebackType
from typing import Any, Final, Self, cast
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from .frames import AckFrame, Draft, Frame
from .outbox import ChatStopped, Outbox
from .pacing import wait_before
from .problem import NetworkError, ProblemError
from .session import Session

_PROTOCOL: Final = "sarsen.chat.v1"
_STEADY: Final = 5.0  # a socket that was open this long starts counting attempts anew
_OPENING: Final = 10.0  # seconds that a handshake may take
_ALIVE: Final = 20.0  # seconds between pings, and that an answer may take
_MOST_FRAMES: Final = 1_000  # that wait to be taken; then no more are read
_UNAUTHORIZED: Final = 401


class State(StrEnum):
    """Of a socket. `open`: the server has said welcome; `waiting`: between attempts; `stopped`: for good."""

    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"
    STOPPED = "stopped"


class CloseCode(IntEnum):
    """Why the server, or we, ended a socket."""

    NONE = 0
    NORMAL = 1000
    TOO_BIG = 1009
    RESTART = 1012
    TOO_SLOW = 1013
    NOT_AUTHENTICATED = 4401
    NOT_A_MEMBER = 4403
    NO_SUCH_ROOM = 4404
    SESSION_ENDED = 4408
    TOO_MANY_SOCKETS = 4409
    TOO_FAST = 4429


# After these another attempt would end the same way; the others ask for patience.
_FINAL: Final = frozenset({CloseCode.NOT_A_MEMBER, CloseCode.NO_SUCH_ROOM, CloseCode.SESSION_ENDED})
_SLOW: Final = frozenset({CloseCode.TOO_SLOW, CloseCode.TOO_MANY_SOCKETS, CloseCode.TOO_FAST})


class ChatSocket:
    """A room, as an asynchronous context manager.

    `after` is the newest number that is known: what came after it is replayed; without it only new messages come.
    `unsent` are messages that an earlier socket did not get through. `on_state` is told each state and its close code.
    """

    def __init__(
        self,
        session: Session,
        room: str,
        *,
        after: int | None = None,
        unsent: Sequence[Draft] = (),
        on_state: Callable[[State, int], None] | None = None,
    ) -> None:
        self.room = room
        self.state = State.STOPPED
        self.seq = after
        """The newest number that came, for `after` of a later socket; None before the first welcome."""
        self._session = session
        self._restored = tuple(unsent)
        self._on_state = on_state
        self._outbox = Outbox()
        self._wake = asyncio.Event()
        self._again = asyncio.Event()
        self._queues: list[asyncio.Queue[Frame | None]] = []
        self._stopped_by = CloseCode.NONE.value
        self._task: asyncio.Task[None] | None = None

    @property
    def unsent(self) -> tuple[Draft, ...]:
        """What was said and is not acknowledged, in order."""
        return self._outbox.drafts or self._restored

    async def __aenter__(self) -> Self:
        for draft in self._restored:
            self._outbox.add(draft)
        self._restored = ()
        self._become(State.CONNECTING)
        self._task = asyncio.create_task(self._run(), name=f"chat {self.room}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect for good. What is not acknowledged stays in `unsent`."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self.state is not State.STOPPED:
            self._stop(CloseCode.NORMAL)

    async def say(self, message: str, **more: Any) -> AckFrame:
        """Say something, now or when there is a line; `more` are further members of the frame, `client_id` among them
        where the caller has one. Gives the receipt.

        Raises ChatRefused, and ChatStopped when the socket stops before.
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

    def retry(self) -> None:
        """Do not sit out the wait: try now."""
        self._again.set()

    async def typing(self) -> None:
        """Tell the others that one is typing; nothing without a line."""
        await self._send({"type": "typing"})

    async def read(self, seq: int) -> None:
        """Tell that everything up to this number was read; nothing without a line."""
        await self._send({"type": "read", "seq": seq})

    def frames(self) -> AsyncIterator[Frame]:
        """Every frame from now on. Ends when the socket was closed; raises ChatStopped when the server ended it.

        Frames that nobody takes hold up the socket, and at last the server closes it for a while (1013).
        """
        queue: asyncio.Queue[Frame | None] = asyncio.Queue(_MOST_FRAMES)
        self._queues.append(queue)
        return self._taken_from(queue)

    async def _taken_from(self, queue: asyncio.Queue[Frame | None]) -> AsyncIterator[Frame]:
        try:
            while self.state is not State.STOPPED or not queue.empty():
                frame = await queue.get()
                if frame is None:
                    break
                yield frame
        finally:
            self._queues.remove(queue)
        if self._stopped_by != CloseCode.NORMAL:
            raise ChatStopped(self._stopped_by)

    async def _run(self) -> None:
        attempt, refused = 0, None
        while True:
            if self.state is not State.CONNECTING:
                self._become(State.CONNECTING)
            try:
                token = await self._session.atoken(other_than=refused)
            except ProblemError as problem:
                if problem.status == _UNAUTHORIZED:
                    return self._stop(CloseCode.NOT_AUTHENTICATED)
                code, lasted = CloseCode.NONE.value, 0.0
            except NetworkError:
                code, lasted = CloseCode.NONE.value, 0.0
            else:
                code, lasted = await self._converse(token)
            if code == CloseCode.SESSION_ENDED:
                self._session.end()
            if lasted:
                refused = None
            if code in _FINAL or (code == CloseCode.NOT_AUTHENTICATED and refused is not None):
                return self._stop(code)
            if code == CloseCode.NOT_AUTHENTICATED:
                refused = token  # once more at once, with a new one
                continue
            attempt = 0 if lasted >= _STEADY else attempt
            self._become(State.WAITING, code)
            self._again.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), wait_before(attempt, slow=code in _SLOW))
            attempt += 1

    async def _converse(self, token: str) -> tuple[int, float]:
        """One connection. Gives its close code, and the seconds since the server said welcome."""
        opened_at = 0.0
        try:
            async with connect(
                self._address(),
                additional_headers={"Authorization": f"Bearer {token}"},
                subprotocols=[Subprotocol(_PROTOCOL)],
                open_timeout=_OPENING,
                ping_interval=_ALIVE,
                ping_timeout=_ALIVE,
                close_timeout=1,
            ) as socket:
                self._socket = socket
                sender = asyncio.create_task(self._keep_sending())
                try:
                    async for text in socket:
                        frame = cast("Frame", json.loads(text))
                        if frame["type"] == "welcome":
                            opened_at = time.monotonic()
                        if not await self._receive(frame):
                            break
                finally:
                    sender.cancel()
                    with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                        await sender
                code = socket.close_code or CloseCode.NONE
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else CloseCode.NONE
        except (OSError, TimeoutError, InvalidHandshake, ValueError):
            code = CloseCode.NONE
        return int(code), time.monotonic() - opened_at if opened_at else 0.0

    def _address(self) -> str:
        address = f"{self._session.base_url.replace('http', 'ws', 1)}/ws/chat/{quote(self.room, safe='')}/"
        return address if self.seq is None else f"{address}?after={self.seq}"

    async def _receive(self, frame: Frame) -> bool:
        """Take a frame. False when a message is missing before it, which connecting anew mends."""
        match frame["type"]:
            case "welcome":
                self._welcome(frame["seq"])
            case "ack":
                self._outbox.acknowledge(frame)
            case "error":
                self._outbox.refuse(frame["code"], frame["detail"], frame.get("client_id"))
            case "message":
                if self.seq is None or frame["seq"] <= self.seq:
                    return True  # it was here before
                if frame["seq"] > self.seq + 1:
                    return False
                self.seq = frame["seq"]
        for queue in list(self._queues):
            await queue.put(frame)
        self._wake.set()
        return True

    def _welcome(self, seq: int) -> None:
        if self.seq is None:
            self.seq = seq
        self._outbox.begin()
        self._become(State.OPEN)

    async def _keep_sending(self) -> None:
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

    async def _send(self, frame: dict[str, Any]) -> None:
        if self.state is State.OPEN:
            self._outbox.allowance.take()
            with contextlib.suppress(ConnectionClosed):  # the reader hears of it, too
                await self._socket.send(json.dumps(frame))

    def _stop(self, code: int) -> None:
        self._stopped_by = int(code)
        self._become(State.STOPPED, int(code))
        self._outbox.stop(int(code))
        for queue in self._queues:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(None)

    def _become(self, state: State, code: int = CloseCode.NONE) -> None:
        self.state = state
        if self._on_state is not None:
            self._on_state(state, int(code))

    _socket: ClientConnection
