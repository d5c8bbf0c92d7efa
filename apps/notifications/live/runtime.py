"""The hub of the running event loop: made by the first who asks, ended at shutdown."""

from __future__ import annotations

import asyncio
from typing import Final

from apps.notifications.live.hub import Hub

_hubs: Final[dict[asyncio.AbstractEventLoop, Hub]] = {}


def hub() -> Hub:
    """This loop's; listening from the first call on."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
        found.start()
    return found


def end_streams() -> None:
    """The server is about to stop, and waits for its answers to end: end those that would not by themselves."""
    found = _hubs.get(asyncio.get_running_loop())
    if found is not None:
        found.end_all()


async def stop() -> None:
    """End this loop's hub, if there is one."""
    found = _hubs.get(asyncio.get_running_loop())
    if found is not None:
        try:
            await found.aclose()
        finally:
            del _hubs[asyncio.get_running_loop()]
