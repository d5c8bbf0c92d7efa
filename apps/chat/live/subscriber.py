"""One socket in a room: a cursor into the feed instead of a queue of its own.

Frames are sent synchronously, without a task, for as long as the socket accepts them. The first send that has to wait makes
the socket busy: a task continues with that socket alone, and the others are served meanwhile. When the send is done, the
socket catches up from the feed's ring, or from the database once the ring has moved on.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncIterator, Awaitable, Coroutine, Generator, Sequence
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError

from apps.chat.live.frame import Frame, joined
from apps.common.sockets import close_codes
from apps.common.sockets.types import Send

MANY_DIRECT: Final = 64
MOST_DIRECT: Final = 1024
REPLAY_STEP: Final = 32
_CLOSE_WITHIN: Final = 5.0
_RETRY_READ: Final = 0.5
_log = structlog.get_logger(__name__)


class Entry(NamedTuple):
    """One frame for every socket: a message by `seq`, a `change`, or an event; user `skip` does not receive it."""

    seq: int
    frame: Frame
    skip: UUID | None = None
    change: int = 0


class Source(Protocol):
    """The feed of a room, as a subscriber uses it."""

    @property
    def room_id(self) -> UUID:
        """The room."""

    def next_entry(self, subscriber: Subscriber) -> Entry | None:
        """Returns the next entry for a socket and advances it."""

    def next_run(self, subscriber: Subscriber) -> dict[str, Any] | None:
        """Returns all entries due to a socket as one event, and advances it."""

    async def read(self, *, after: int, up_to: int) -> list[tuple[int, Frame]]:
        """Returns some messages from (after, up_to]. Raises DatabaseError."""

    async def read_changes(self, *, seq: int, after: int | None, up_to: int) -> list[tuple[int, Frame]]:
        """Returns some changes from (after, up_to] of messages up to `seq`; empty at the end. Raises DatabaseError."""


class Subscriber:
    """The state of one socket. Created inside the task that serves it."""

    __slots__ = (
        "_closing",
        "_direct",
        "_loop",
        "_owner",
        "_task",
        "change",
        "change_to",
        "close_code",
        "feed",
        "is_joined",
        "name",
        "position",
        "progress",
        "replay_to",
        "send",
        "seq",
        "session_id",
        "user_id",
    )

    def __init__(
        self, send: Send, *, user_id: UUID, name: str, session_id: UUID, is_joined: bool = False
    ) -> None:
        self.send = send
        self.is_joined = is_joined  # whether the server accepts many frames in one write
        self.user_id = user_id
        self.name = name
        self.session_id = session_id
        self.feed: Source | None = None
        self.seq = 0  # the newest message that was sent here
        self.replay_to = 0  # up to this number they come from the past, afterwards from the ring
        self.change: int | None = (
            None  # the newest change that was sent here; None until it is found by `seq`
        )
        self.change_to = 0
        self.position = 0  # of the next entry of the ring
        self.close_code: int | None = None
        self.progress = 0.0
        self._loop = asyncio.get_running_loop()
        self._owner = asyncio.current_task()
        self._closing: asyncio.Future[None] | None = None
        self._direct: list[Frame] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self._task is not None

    @property
    def is_closed(self) -> bool:
        return self.close_code is not None

    @property
    def _misses_changes(self) -> bool:
        return self.change is None or self.change < self.change_to

    @property
    def _is_behind(self) -> bool:
        """Whether the next frames come from the past."""
        return self.seq < self.replay_to or self._misses_changes

    def tell(self, *payloads: bytes) -> None:
        """Send frames to this socket alone, before those of the room."""
        self._direct.extend(map(Frame, payloads))
        self.pump()
        if len(self._direct) > MOST_DIRECT:
            self.close(close_codes.LAGGING)

    def tell_soon(self, payload: bytes) -> None:
        """The same at the next `pump`."""
        self._direct.append(Frame(payload))

    def pump(self) -> None:
        """Send everything that is due, synchronously as far as possible."""
        if self._task is not None or self.close_code is not None:
            return
        if self.feed is not None and self._is_behind:
            self._go_on(self._deliver())
            return
        coroutine = self._deliver()
        try:
            waits_for = coroutine.send(None)
        except StopIteration:
            return
        self._go_on(_rest(coroutine, waits_for))

    async def relieved(self) -> None:
        """Wait while the client accepts answers more slowly than they are produced."""
        while len(self._direct) > MANY_DIRECT and self._task is not None:
            await asyncio.wait({self._task})

    def close(self, code: int) -> asyncio.Future[None]:
        """Close the socket and end the task that serves it. The first code wins. Returns a future of the close frame."""
        if self.close_code is None:
            self.close_code = code
            self._closing = self._loop.create_task(self._close(code))
        elif self._closing is None:  # the client was first
            self._closing = self._loop.create_future()
            self._closing.set_result(None)
        return self._closing

    def gone(self) -> None:
        """The client has disconnected: send nothing more."""
        self._give_up()
        if self._task is not None:
            self._task.cancel()

    def _give_up(self) -> None:
        if self.close_code is None:
            self.close_code = 1006

    def _go_on(self, rest: Awaitable[None] | Generator[Any, Any, None]) -> None:
        self.progress = self._loop.time()
        self._task = self._loop.create_task(_until_done(rest))
        self._task.add_done_callback(self._caught_up)

    def _caught_up(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self.pump()

    async def _deliver(self) -> None:
        try:
            while self.close_code is None:
                if self._direct:
                    await self._answer()
                elif self.feed is None:
                    return
                elif self._misses_changes:
                    await self._replay_changes(self.feed)
                elif self.seq < self.replay_to:
                    await self._replay(self.feed)
                elif (event := self._next(self.feed)) is not None:
                    await self.send(event)
                elif not self._is_behind and not self._direct:
                    return
                if self._task is not None:
                    self.progress = self._loop.time()
        except (OSError, RuntimeError):
            # The client has gone; the disconnect event is on its way to the serving task.
            self._give_up()
        except Exception:  # noqa: BLE001  (a bug: logged; only this socket ends)
            _log.exception("chat.delivery_broke")
            self.close(close_codes.FAULT)

    def _next(self, feed: Source) -> dict[str, Any] | None:
        if self.is_joined:
            return feed.next_run(self)
        entry = feed.next_entry(self)
        return None if entry is None else entry.frame.event

    async def _answer(self) -> None:
        if self.is_joined:
            event = joined(self._direct)
            self._direct.clear()
            # The acknowledgement and the message leave in one write, which costs more than its content.
            if self.feed is not None and not self._is_behind and (run := self._next(self.feed)):
                event["data"] += run["data"]
            await self.send(event)
        else:
            await self.send(self._direct.pop(0).event)

    async def _replay(self, feed: Source) -> None:
        try:
            page = await feed.read(after=self.seq, up_to=self.replay_to)
        except (DatabaseError, InterfaceError):
            await asyncio.sleep(_RETRY_READ)
            return
        async for seq in self._send_in_steps(page):
            self.seq = seq
        if not page:
            # Announced but not stored: the database was restored from an older state.
            self.seq = self.replay_to

    async def _replay_changes(self, feed: Source) -> None:
        """Runs before messages are replayed: `after` does not move before the changes are sent."""
        try:
            page = await feed.read_changes(seq=self.seq, after=self.change, up_to=self.change_to)
        except (DatabaseError, InterfaceError):
            await asyncio.sleep(_RETRY_READ)
            return
        async for change in self._send_in_steps(page):
            self.change = change
        if not page:
            self.change = self.change_to

    async def _send_in_steps(self, page: Sequence[tuple[int, Frame]]) -> AsyncIterator[int]:
        """Send a page from the past. Yields the last number sent; stops when an answer is due."""
        step = REPLAY_STEP if self.is_joined else 1
        for begin in range(0, len(page), step):
            if self._direct:
                return
            some = page[begin : begin + step]
            await self.send(joined(frame for _, frame in some) if self.is_joined else some[0][1].event)
            yield some[-1][0]
            self.progress = self._loop.time()

    async def _close(self, code: int) -> None:
        if self._task is not None:
            self._task.cancel()
        try:
            async with asyncio.timeout(_CLOSE_WITHIN):
                await self.send({"type": "websocket.close", "code": code})
        except (OSError, RuntimeError):
            _log.debug("chat.closed_already", code=code)
        if self._owner is not None:
            self._owner.cancel()


async def _until_done(rest: Any) -> None:
    await rest


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Runs the rest of a coroutine that was stepped by hand until it waits."""
    try:
        while True:
            try:
                value = yield waits_for
            except BaseException as error:  # noqa: BLE001  (thrown into the coroutine)
                waits_for = coroutine.throw(error)
            else:
                waits_for = coroutine.send(value)
    except StopIteration:
        return
