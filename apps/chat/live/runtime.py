"""The hub of the running event loop: made by the first who asks, ended at shutdown."""

from __future__ import annotations

import asyncio

from apps.chat.live.hub import Hub

_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """This loop's hub; listening from the first call on."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
        found.start()
    return found


def hubs() -> list[Hub]:
    """Every hub of this process."""
    return list(_hubs.values())


async def stop() -> None:
    """End this loop's hub, if there is one."""
    found = _hubs.get(asyncio.get_running_loop())
    if found is not None:
        try:
            await found.aclose()
        finally:
            del _hubs[asyncio.get_running_loop()]
