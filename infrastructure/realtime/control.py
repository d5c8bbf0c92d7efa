"""Events for a user or a session, over the Channels layer: every process with sockets is in one group.

A process has one channel and one group, rather than each socket: connecting costs no round trip, and an event for a user
without sockets here is dropped after one lookup.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from infrastructure import lazy_import
from infrastructure.telemetry.metrics import REALTIME_FAILURES

if TYPE_CHECKING:
    import redis
else:
    redis = lazy_import.module("redis")

_GROUP: Final = "sockets"
_RETRY: Final = 1.0
_pause_until = 0.0
_log = structlog.get_logger(__name__)


class OutageFilter(logging.Filter):
    """Reduces the layer's traceback per second during a Redis outage to one line per minute."""

    EVERY: Final = 60.0

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is logged; that of an outage without its traceback."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, redis.RedisError | OSError):
            return True
        REALTIME_FAILURES.labels("control").inc()
        now = time.monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + self.EVERY
        record.exc_info, record.exc_text = None, None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args = f"control.redis_away: {type(error).__name__}", ()
        return True


logging.getLogger("channels_redis.pubsub").addFilter(OutageFilter())


async def asend(channel: str, payload: Mapping[str, Any]) -> None:
    """Send an event to every process with sockets. After a failure, nothing is tried for a second."""
    global _pause_until
    if time.monotonic() < _pause_until:
        REALTIME_FAILURES.labels("control").inc()
        return
    try:
        async with asyncio.timeout(2):
            await get_channel_layer().group_send(
                _GROUP, {"type": "sockets.control", "channel": channel, "payload": dict(payload)}
            )
    except (redis.RedisError, OSError) as error:
        _pause_until = time.monotonic() + _RETRY
        REALTIME_FAILURES.labels("control").inc()
        _log.warning("control.redis_away", channel=channel.partition(":")[0], error=type(error).__name__)


def send(channel: str, payload: Mapping[str, Any]) -> None:
    """`asend` from threads without an event loop."""
    async_to_sync(asend)(channel, payload)


async def listen(handle: Callable[[str, Mapping[str, Any]], None]) -> None:
    """Call `handle(channel, payload)` for every event, until cancelled. Waits for Redis while it is unavailable."""
    layer = get_channel_layer()
    try:
        while True:
            try:
                name = await layer.new_channel()
                await layer.group_add(_GROUP, name)
                while True:
                    _hand_on(handle, await layer.receive(name))
            except (redis.RedisError, OSError) as error:
                _log.warning("control.redis_away", error=type(error).__name__)
            except Exception:  # noqa: BLE001  (a fault of ours or of the layer: logged; listening goes on)
                _log.exception("control.listener_broke")
            await asyncio.sleep(_RETRY)
    finally:
        await layer.flush()


def _hand_on(handle: Callable[[str, Mapping[str, Any]], None], event: Mapping[str, Any]) -> None:
    try:
        handle(event["channel"], event["payload"])
    except Exception:  # noqa: BLE001  (one event that cannot be handled does not end listening)
        _log.exception("control.event_broke")
