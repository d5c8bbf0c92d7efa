"""Periodic work of a hub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from django.db import DatabaseError, InterfaceError

_log = structlog.get_logger(__name__)


async def repeat(name: str, *, every: float, work: Callable[[], Awaitable[None]]) -> None:
    """Call `work` every `every` seconds until cancelled. Errors are logged and do not stop it."""
    while True:
        await asyncio.sleep(every)
        try:
            await work()
        except (DatabaseError, InterfaceError) as error:
            _log.warning("sockets.upkeep_failed", work=name, error=type(error).__name__)
        except Exception:  # noqa: BLE001  (logged; the next turns still run)
            _log.exception("sockets.upkeep_broke", work=name)
