"""Streams as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), for clients without WebSockets."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from apps.notifications import selectors
from apps.notifications.live.hub import hubs
from apps.notifications.models import Notification

# Milliseconds after which a client that lost its stream reconnects.
OPENING: Final = b"retry: 3000\n\n"
_ALIVE: Final = b":\n\n"


def encode(frame: Mapping[str, Any]) -> bytes:
    """One frame as an event of its type; notifications carry their number as its id, where clients resume."""
    head = f"id: {frame['seq']}\n".encode() if frame["type"] == "notification" else b""
    # JSON escapes line breaks, so the data is one line whatever is in it.
    data = orjson.dumps(frame, option=orjson.OPT_UTC_Z)
    return b"%bevent: %b\ndata: %b\n\n" % (head, str(frame["type"]).encode(), data)


def written(notifications: Sequence[Notification]) -> list[bytes]:
    """Events for an answer that ends."""
    return [encode(selectors.frame(one)) for one in notifications]


async def live(*, user_id: UUID, session_id: UUID | None, after: int | None) -> AsyncGenerator[bytes, None]:
    """All events from number `after` on, for as long as the client stays; ends when its session does."""
    async with hubs.get().open(user_id=user_id, session_id=session_id, after=after) as stream:
        async for frame in stream.frames():
            yield _ALIVE if frame is None else encode(frame)
        yield encode({"type": "end", "code": stream.code})
