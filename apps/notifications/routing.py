"""The route of the socket, and the hooks that the server calls when it starts, is about to stop, and stops."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from apps.notifications.consumers import NotificationsConsumer
from apps.notifications.live.hub import hubs

websocket_urlpatterns: list[Any] = [re_path(r"^ws/notifications/$", NotificationsConsumer.as_asgi())]
startup, shutdown = hubs.startup, hubs.shutdown


async def stopping() -> None:
    """End the streams: the server waits for its answers to end, and these have no end of their own."""
    hub = hubs.find()
    if hub is not None:
        hub.end_all()
