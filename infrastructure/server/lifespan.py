"""The ASGI lifespan protocol: runs hooks at start and stop of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, LifespanScope

Hook = Callable[[], Awaitable[None]]
_log = structlog.get_logger(__name__)


class Lifespan:
    """An ASGI application for the `lifespan` scope (ASGI specification 3.0).

    Start hooks run in order; a failing one is reported to the server, which then refuses to start. Stop hooks run in
    reverse order, all of them, even when one fails.
    """

    def __init__(self, *, startup: Sequence[Hook], shutdown: Sequence[Hook]) -> None:
        self._startup = tuple(startup)
        self._shutdown = tuple(shutdown)

    async def __call__(
        self, scope: LifespanScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve one lifespan."""
        await receive()
        try:
            for hook in self._startup:
                await hook()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": repr(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for hook in reversed(self._shutdown):
            try:
                await hook()
            except Exception:  # noqa: BLE001  (logged; the other hooks have their turn)
                _log.exception("lifespan.shutdown_hook_failed", hook=repr(hook))
        await send({"type": "lifespan.shutdown.complete"})
