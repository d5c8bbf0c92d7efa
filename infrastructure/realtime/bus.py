"""Channels of bytes between processes over Redis pub/sub: one connection of a process listens, one sends.

A pub/sub message reaches only current listeners, so nothing relies on it alone. A process delivers its own messages
locally, without Redis; the copy that comes back is recognised by its origin and dropped.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog
from django.conf import settings
from django_redis import get_redis_connection

from infrastructure import lazy_import
from infrastructure.product import PRODUCT
from infrastructure.telemetry import tracing
from infrastructure.telemetry.metrics import REALTIME_FAILURES

if TYPE_CHECKING:
    import redis
    import redis.asyncio.retry
    import redis.backoff
else:
    redis = lazy_import.module("redis")

Listener = Callable[[bytes], None]
ORIGIN_LENGTH: Final = 8
# No body begins with it: packets begin with 1, JSON with a brace.
_TRACED: Final = b"\x02"
_NO_ORIGIN: Final = bytes(ORIGIN_LENGTH)
_HELLO: Final = f"{PRODUCT.slug}:bus"
_PIPELINE: Final = 512
_BACKLOG: Final = 10_000
_SILENCE: Final = 5.0
_RETRY_DELAYS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
_PAUSE_AFTER_FAILURE: Final = 1.0
_log = structlog.get_logger(__name__)


class Bus(Protocol):
    """The interface for listeners: `RedisBus`, or `memory.MemoryBus` in their tests."""

    @property
    def is_connected(self) -> bool:
        """Whether channels are received at the moment."""

    async def subscribe(self, channel: str, listener: Listener) -> None:
        """Start receiving a channel; `on_subscribed` is called once it has begun."""

    async def unsubscribe(self, channel: str) -> None:
        """Stop receiving a channel."""

    def publish(self, channel: str, body: bytes) -> None:
        """Send without waiting; listeners of this process receive it before this returns."""

    def send(self, *command: Any) -> None:
        """Queue any Redis command whose answer does not matter."""

    async def ask(self, *commands: tuple[Any, ...]) -> list[Any] | None:
        """The answers of Redis to some commands; None when it is unavailable."""


class RedisBus:
    """The bus of one event loop. `on_subscribed(channel)` is called whenever receiving a channel begins:

    at first, and again after every interruption, since messages in between are lost.
    """

    def __init__(self, url: str, *, on_subscribed: Callable[[str], None]) -> None:
        self.origin = os.urandom(ORIGIN_LENGTH)
        self._on_subscribed = on_subscribed
        self._loop = asyncio.get_running_loop()
        # A break in hearing is answered here, where it is known what it means. A sending connection that Redis has
        # closed meanwhile is opened anew at once; what it carries may safely arrive twice.
        self._hearing = _client(url, attempts=0)
        self._redis = _client(url, attempts=1)
        self._listeners: dict[str, Listener] = {}
        self._pubsub: redis.asyncio.client.PubSub | None = None
        self._subscribing = asyncio.Lock()
        self._outgoing: deque[tuple[Any, ...]] = deque(maxlen=_BACKLOG)
        self._sender: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, and become the bus that `post` finds in this process."""
        global _running
        self._reader = self._loop.create_task(self._listen(), name="bus")
        _running = self

    async def aclose(self) -> None:
        """Send what is queued, then close both connections."""
        global _running
        if _running is self:
            _running = None
        if self._sender is not None:
            await asyncio.wait({self._sender}, timeout=2)
        for task in (self._sender, self._reader):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait({task})
        await self._hearing.aclose()
        await self._redis.aclose()

    @property
    def is_connected(self) -> bool:
        """Whether the listening connection is up."""
        return self._pubsub is not None

    @property
    def is_of_this_loop(self) -> bool:
        """Whether the caller runs in the bus's own event loop."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    async def subscribe(self, channel: str, listener: Listener) -> None:
        """Start receiving a channel; if the connection is down, as soon as it is back."""
        self._listeners[channel] = listener
        async with self._subscribing:
            if self._pubsub is not None:
                await self._tell_redis(self._pubsub.subscribe, channel)

    async def unsubscribe(self, channel: str) -> None:
        """Stop receiving a channel."""
        self._listeners.pop(channel, None)
        async with self._subscribing:
            if self._pubsub is not None:
                await self._tell_redis(self._pubsub.unsubscribe, channel)

    async def _tell_redis(self, command: Callable[[str], Any], channel: str) -> None:
        try:
            await command(channel)
        except (redis.RedisError, OSError, AttributeError):
            # The reader sees the same break and subscribes to everything anew. AttributeError: redis-py writes to a
            # connection that the reader has closed meanwhile.
            _log.debug("bus.subscription_interrupted", channel=channel)

    def publish(self, channel: str, body: bytes) -> None:
        """Send without waiting; messages published during a round trip leave together in the next."""
        self._dispatch(channel, body)
        self.send("PUBLISH", channel, self.origin + _with_trace(body))

    def deliver_from_thread(self, channel: str, body: bytes) -> None:
        """Deliver what another thread of this process has published."""
        self._loop.call_soon_threadsafe(self._dispatch_traced, channel, body, tracing.current())

    def send(self, *command: Any) -> None:
        """Queue any command whose answer does not matter."""
        self._outgoing.append(command)
        if self._sender is None or self._sender.done():
            self._sender = self._loop.create_task(self._send(), name="bus-sender")

    async def ask(self, *commands: tuple[Any, ...]) -> list[Any] | None:
        """The answers to `commands`, in one round trip; None when Redis is unavailable."""
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        try:
            answers: list[Any] = await pipeline.execute()
        except (redis.RedisError, OSError) as error:
            _failed("ask", error)
            return None
        return answers

    async def _send(self) -> None:
        while self._outgoing:
            due = [self._outgoing.popleft() for _ in range(min(len(self._outgoing), _PIPELINE))]
            try:
                await self.ask(*due)
            except Exception:  # noqa: BLE001  (a command that cannot be sent does not hold up the others)
                _log.exception("bus.sender_broke")

    async def _listen(self) -> None:
        failures = 0
        while True:
            pubsub = self._hearing.pubsub()
            try:
                await self._hear(pubsub)
            except (redis.RedisError, OSError) as error:
                _failed("listen", error)
            except Exception:  # noqa: BLE001  (a fault of ours or of the client: logged; listening goes on)
                _log.exception("bus.listener_broke")
            finally:
                failures = 0 if self._pubsub is not None else failures + 1
                self._pubsub = None
                await self._dispose(pubsub)
            await asyncio.sleep(_RETRY_DELAYS[min(failures, len(_RETRY_DELAYS) - 1)])

    async def _hear(self, pubsub: redis.asyncio.client.PubSub) -> None:
        async with self._subscribing:
            await pubsub.subscribe(_HELLO, *self._listeners)
            self._pubsub = pubsub
        silent = 0
        while silent < 3:
            heard = await pubsub.get_message(timeout=_SILENCE)
            if heard is None:
                silent += 1
                await pubsub.ping()
                continue
            silent = 0
            if heard["type"] == "message":
                data: bytes = heard["data"]
                if data[:ORIGIN_LENGTH] != self.origin:
                    trace, body = _without_trace(data[ORIGIN_LENGTH:])
                    with tracing.pushed(trace, "push to sockets"):
                        self._dispatch(heard["channel"].decode(), body)
            elif heard["type"] == "subscribe" and (channel := heard["channel"].decode()) in self._listeners:
                self._call(channel, self._on_subscribed, channel)
        raise redis.ConnectionError("Redis does not answer.")

    async def _dispose(self, pubsub: redis.asyncio.client.PubSub) -> None:
        try:
            await pubsub.aclose()  # type: ignore[no-untyped-call]
        except (redis.RedisError, OSError):
            _log.debug("bus.disconnect_interrupted")

    def _dispatch_traced(self, channel: str, body: bytes, trace: bytes) -> None:
        with tracing.pushed(trace, "push to sockets"):
            self._dispatch(channel, body)

    def _dispatch(self, channel: str, body: bytes) -> None:
        listener = self._listeners.get(channel)
        if listener is None:
            return
        self._call(channel, listener, body)

    def _call(self, channel: str, function: Callable[[Any], None], argument: Any) -> None:
        try:
            function(argument)
        except Exception:  # noqa: BLE001  (one payload that cannot be read does not end listening for all rooms)
            _log.exception("bus.listener_failed", channel=channel)


_running: RedisBus | None = None
_pause_until = 0.0


def running() -> RedisBus | None:
    """The bus that listens in this process, if any."""
    return _running


def send(channel: str, body: bytes, *, origin: bytes = _NO_ORIGIN) -> None:
    """Publish from any thread. Waits for Redis up to its time limits, and after a failure not at all for a second."""
    global _pause_until
    if time.monotonic() < _pause_until:
        REALTIME_FAILURES.labels("publish").inc()
        return
    try:
        get_redis_connection("default").publish(channel, origin + _with_trace(body))
    except (redis.RedisError, OSError) as error:
        _pause_until = time.monotonic() + _PAUSE_AFTER_FAILURE
        _failed("publish", error)


def _with_trace(body: bytes) -> bytes:
    """The body after a marker and the context of the trace; the body alone where nothing is traced."""
    trace = tracing.current()
    return _TRACED + trace + body if trace else body


def _without_trace(sent: bytes) -> tuple[bytes, bytes]:
    if not sent.startswith(_TRACED):
        return b"", sent
    return sent[1 : 1 + tracing.CONTEXT_LENGTH], sent[1 + tracing.CONTEXT_LENGTH :]


def _client(url: str, *, attempts: int) -> Any:
    return redis.asyncio.Redis.from_url(
        url,
        socket_connect_timeout=0.5,
        socket_timeout=1.0,
        socket_keepalive=True,
        retry=redis.asyncio.retry.Retry(
            redis.backoff.NoBackoff(), attempts, supported_errors=(redis.ConnectionError,)
        ),
    )


def make(*, on_subscribed: Callable[[str], None]) -> RedisBus:
    """A bus on the project's Redis, for the running event loop."""
    return RedisBus(settings.REDIS_URL, on_subscribed=on_subscribed)


def _failed(kind: str, error: Exception) -> None:
    REALTIME_FAILURES.labels(kind).inc()
    _log.warning("bus.redis_away", kind=kind, error=type(error).__name__)
