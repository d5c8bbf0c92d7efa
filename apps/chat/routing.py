"""Where the sockets are, and what the server calls when it starts and stops."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from apps.chat.consumers import ChatConsumer
from apps.chat.live import runtime

websocket_urlpatterns: list[Any] = [
    # Whatever is no slug is a room that does not exist, and is told so by close code.
    re_path(r"^ws/chat/(?P<slug>[^/]+)/$", ChatConsumer.as_asgi()),
]


async def startup() -> None:
    """Listen before the first socket comes."""
    runtime.hub()


async def shutdown() -> None:
    """Close sockets with 1012, finish what is being stored, close connections and threads."""
    await runtime.stop()
