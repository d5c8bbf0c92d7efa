"""Work that a hub repeats for as long as it lives, whatever happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from django.db import DatabaseError, InterfaceError

_log = structlog.get_logger(__name__)


async def repeat(name: str, *, every: float, work: Callable[[], Awaitable[None]]) -> None:
    """Call `work` every so many seconds until cancelled. A failure is logged, and the next turn comes as before."""
    while True:
        await asyncio.sleep(every)
        try:
            await work()
        except (DatabaseError, InterfaceError) as error:
            _log.warning("sockets.upkeep_failed", work=name, error=type(error).__name__)
        except Exception:  # noqa: BLE001  (logged with its traceback; the other turns and loops go on)
            _log.exception("sockets.upkeep_broke", work=name)
