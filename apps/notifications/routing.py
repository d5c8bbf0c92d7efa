"""Where the socket is, and what the server calls when it starts, is about to stop, and stops."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from apps.notifications.consumers import NotificationsConsumer
from apps.notifications.live import runtime

websocket_urlpatterns: list[Any] = [re_path(r"^ws/notifications/$", NotificationsConsumer.as_asgi())]


async def startup() -> None:
    """Listen before the first stream is opened."""
    runtime.hub()


async def stopping() -> None:
    """End the streams, so that the server need not wait for them."""
    runtime.end_streams()


async def shutdown() -> None:
    """Let go of connections and threads."""
    await runtime.stop()
