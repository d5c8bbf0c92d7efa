"""A WebSocket that reconnects: the base of the sockets in this package. For asyncio; needs `websockets`.

It resumes after the newest number that it received, renews a token that the server refuses, detects dead connections,
and waits longer after each failed attempt. What frames mean is up to subclasses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from enum import IntEnum, StrEnum
from types import TracebackType
from typing import Any, Final, Generic, Literal, Protocol, Self, TypedDict, TypeVar, cast
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from apps.common.client_runtime.python.pacing import wait_before
from apps.common.client_runtime.python.problem import NetworkError, ProblemError

_STEADY: Final = 5.0  # seconds open after which failed attempts are forgotten
_OPENING: Final = 10.0  # seconds, the limit for a handshake
_ALIVE: Final = 20.0  # seconds between pings, and the limit for an answer
_MOST_FRAMES: Final = 1_000  # in a queue; when it is full, the socket is not read
_UNAUTHORIZED: Final = 401


class State(StrEnum):
    """The state of a socket. `open`: welcomed by the server; `waiting`: between attempts; `stopped`: permanently."""

    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"
    STOPPED = "stopped"


class CloseCode(IntEnum):
    """Why a connection was closed."""

    NONE = 0
    NORMAL = 1000
    TOO_BIG = 1009
    RESTART = 1012
    TOO_SLOW = 1013
    NOT_AUTHENTICATED = 4401
    NOT_A_MEMBER = 4403
    NO_SUCH_ROOM = 4404
    UNKNOWN_VERSION = 4406
    SESSION_ENDED = 4408
    TOO_MANY_SOCKETS = 4409
    TOO_FAST = 4429


# After a final code, reconnecting would fail again. After a slow one, the socket waits longer.
_FINAL: Final = frozenset(
    {
        CloseCode.NOT_A_MEMBER,
        CloseCode.NO_SUCH_ROOM,
        CloseCode.UNKNOWN_VERSION,
        CloseCode.SESSION_ENDED,
        CloseCode.TOO_MANY_SOCKETS,
    }
)
_SLOW: Final = frozenset({CloseCode.TOO_SLOW, CloseCode.TOO_FAST})


class SocketStopped(Exception):
    """The socket has stopped with this close code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"The socket has stopped ({code}).")


class Gap(Exception):
    """Frames are missing before this one: the socket reconnects, and the server replays them."""


class TokenSource(Protocol):
    """The credential of a socket, such as a `Session`."""

    base_url: str

    async def atoken(self, *, other_than: str | None = None) -> str:
        """An access token, not `other_than`. Raises ProblemError, NetworkError."""

    def end(self) -> None:
        """The server has ended the session."""


class EventFrame(TypedDict):
    """An event from a service. The server does not store events."""

    type: Literal["event"]
    name: str
    data: dict[str, Any]


class PongFrame(TypedDict):
    """The answer to a ping."""

    type: Literal["pong"]


FrameT = TypeVar("FrameT", bound=Mapping[str, Any])


class ReconnectingSocket(Generic[FrameT]):
    """A socket, as an asynchronous context manager.

    `after` is the newest known number: what follows it is replayed. Without it, only new frames arrive. `on_state` is
    called with each state and its close code.
    """

    def __init__(
        self,
        session: TokenSource,
        *,
        path: str,
        protocol: str,
        after: int | None = None,
        on_state: Callable[[State, int], None] | None = None,
    ) -> None:
        self.state = State.STOPPED
        self.seq = after
        """The newest number received, for `after` of a later socket; None before the first welcome."""
        self._session = session
        self._path, self._protocol = path, protocol
        self._on_state = on_state
        self._again = asyncio.Event()
        self._queues: list[asyncio.Queue[FrameT | None]] = []
        self._stopped_by = CloseCode.NONE.value
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._become(State.CONNECTING)
        self._task = asyncio.create_task(self._run(), name=f"socket {self._path}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect and stop reconnecting."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self.state is not State.STOPPED:
            self._stop(CloseCode.NORMAL)

    def retry(self) -> None:
        """Reconnect now instead of waiting."""
        self._again.set()

    def frames(self) -> AsyncIterator[FrameT]:
        """Every frame from this call on. Ends when the socket is closed; raises SocketStopped when the server ended it.

        Call it before sending to see your own frames, too. Consume it: a full queue stops the socket from being read, until
        the server closes the connection (1013).
        """
        queue: asyncio.Queue[FrameT | None] = asyncio.Queue(_MOST_FRAMES)
        self._queues.append(queue)
        return self._taken_from(queue)

    async def _taken_from(self, queue: asyncio.Queue[FrameT | None]) -> AsyncIterator[FrameT]:
        try:
            while self.state is not State.STOPPED or not queue.empty():
                frame = await queue.get()
                if frame is None:
                    break
                yield frame
        finally:
            self._queues.remove(queue)
        if self._stopped_by != CloseCode.NORMAL:
            raise SocketStopped(self._stopped_by)

    def _accept(self, frame: FrameT) -> bool:
        """Handle a frame. Returns whether `frames()` yields it. Raises Gap when frames are missing before it."""
        raise NotImplementedError

    def _state_changed(self, state: State, code: int) -> None:
        """Called before `on_state`."""

    async def _write(self) -> None:
        """Send frames; runs as long as one connection."""

    async def _send_frame(self, frame: Mapping[str, Any]) -> bool:
        """Send a frame. Returns False while disconnected."""
        if self.state is not State.OPEN:
            return False
        with contextlib.suppress(ConnectionClosed):  # the reader notices it, too
            await self._socket.send(json.dumps(frame))
        return True

    def _advance(self, seq: int) -> bool:
        """Returns whether this number is the newest, and remembers it."""
        if self.seq is None or seq <= self.seq:
            return False
        self.seq = seq
        return True

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
                code, lasted = await self._connect(token)
            if code == CloseCode.SESSION_ENDED:
                self._session.end()
            if lasted:
                refused = None
            if code in _FINAL or (code == CloseCode.NOT_AUTHENTICATED and refused is not None):
                return self._stop(code)
            if code == CloseCode.NOT_AUTHENTICATED:
                refused = token  # try once more, with a new token
                continue
            attempt = 0 if lasted >= _STEADY else attempt
            self._become(State.WAITING, code)
            self._again.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._again.wait(), wait_before(attempt, slow=code in _SLOW))
            attempt += 1

    async def _connect(self, token: str) -> tuple[int, float]:
        """Run one connection. Returns its close code, and the seconds since the welcome."""
        opened_at = 0.0
        try:
            async with connect(
                self._address(),
                additional_headers={"Authorization": f"Bearer {token}"},
                subprotocols=[Subprotocol(self._protocol)],
                open_timeout=_OPENING,
                ping_interval=_ALIVE,
                ping_timeout=_ALIVE,
                close_timeout=1,
            ) as socket:
                self._socket = socket
                writer = asyncio.create_task(self._write())
                try:
                    async for text in socket:
                        frame = cast("FrameT", json.loads(text))
                        if frame["type"] == "welcome":
                            opened_at = time.monotonic()
                            self._welcome(frame["seq"])
                        if self._accept(frame):
                            for queue in list(self._queues):
                                await queue.put(frame)
                finally:
                    writer.cancel()
                    with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                        await writer
                code = socket.close_code or CloseCode.NONE
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else CloseCode.NONE
        except (OSError, TimeoutError, InvalidHandshake, ValueError, Gap):
            code = CloseCode.NONE
        return int(code), time.monotonic() - opened_at if opened_at else 0.0

    def _address(self) -> str:
        address = self._session.base_url.replace("http", "ws", 1) + self._path
        query = urlencode({name: number for name, number in self._newest().items() if number is not None})
        return f"{address}?{query}" if query else address

    def _newest(self) -> dict[str, int | None]:
        """The newest numbers received, by the parameters in which the server expects them."""
        return {"after": self.seq}

    def _welcome(self, seq: int) -> None:
        if self.seq is None:
            self.seq = seq
        self._become(State.OPEN)

    def _stop(self, code: int) -> None:
        self._stopped_by = int(code)
        self._become(State.STOPPED, int(code))
        for queue in self._queues:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(None)

    def _become(self, state: State, code: int = CloseCode.NONE) -> None:
        self.state = state
        self._state_changed(state, int(code))
        if self._on_state is not None:
            self._on_state(state, int(code))

    _socket: ClientConnection
