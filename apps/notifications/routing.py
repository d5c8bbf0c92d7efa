"""The route of the socket, and hooks for the start and stop of the server."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from apps.notifications.consumers import NotificationsConsumer
from apps.notifications.live.hub import hubs

websocket_urlpatterns: list[Any] = [re_path(r"^ws/notifications/$", NotificationsConsumer.as_asgi())]
startup, shutdown = hubs.startup, hubs.shutdown


async def stopping() -> None:
    """End the streams, since the server waits for its open responses."""
    hub = hubs.find()
    if hub is not None:
        hub.end_all()
