"""Server-Sent Events (WHATWG HTML, section 9.2) for clients without WebSockets."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final
from uuid import UUID

import orjson

from apps.notifications import selectors
from apps.notifications.live.hub import hubs
from apps.notifications.live.stream import PAGE

# Milliseconds after which a disconnected client reconnects.
OPENING: Final = b"retry: 3000\n\n"
_ALIVE: Final = b":\n\n"


def encode(frame: Mapping[str, Any]) -> bytes:
    """Encode a frame as an event. The id of a notification is its number, after which clients resume."""
    head = f"id: {frame['seq']}\n".encode() if frame["type"] == "notification" else b""
    # JSON escapes line breaks, so the data is always one line.
    data = orjson.dumps(frame, option=orjson.OPT_UTC_Z)
    return b"%bevent: %b\ndata: %b\n\n" % (head, str(frame["type"]).encode(), data)


def list_missed(*, user_id: UUID, after: int) -> list[bytes]:
    """Returns the events of a finite response: all missed changes, and one page of notifications."""
    page = selectors.get_page(user_id=user_id, seq=after, change=None, limit=PAGE)
    frames = page.frames
    while page.seq == after and not page.is_last:
        page = selectors.get_page(user_id=user_id, seq=after, change=page.change, limit=PAGE)
        frames += page.frames
    return [encode(frame) for frame in frames]


async def live(*, user_id: UUID, session_id: UUID | None, after: int | None) -> AsyncGenerator[bytes, None]:
    """Yields all events after number `after` until the client disconnects or its session ends."""
    async with hubs.get().open(user_id=user_id, session_id=session_id, after=after) as stream:
        async for frame in stream.frames():
            yield _ALIVE if frame is None else encode(frame)
        yield encode({"type": "end", "code": stream.code})
