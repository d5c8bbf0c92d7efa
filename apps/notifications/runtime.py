"""The switchboard of the running event loop: made by the first who asks, ended at shutdown."""

from __future__ import annotations

import asyncio
from typing import Final

from apps.notifications.live.switchboard import Switchboard

_switchboards: Final[dict[asyncio.AbstractEventLoop, Switchboard]] = {}


def switchboard() -> Switchboard:
    """This loop's; listening from the first call on."""
    loop = asyncio.get_running_loop()
    found = _switchboards.get(loop)
    if found is None:
        found = _switchboards[loop] = Switchboard()
        found.start()
    return found


def end_streams() -> None:
    """The server is about to stop, and waits for its answers to end: end those that would not by themselves."""
    found = _switchboards.get(asyncio.get_running_loop())
    if found is not None:
        found.end_all()


async def stop() -> None:
    """End this loop's switchboard, if there is one."""
    found = _switchboards.get(asyncio.get_running_loop())
    if found is not None:
        try:
            await found.aclose()
        finally:
            del _switchboards[asyncio.get_running_loop()]
