"""The route of the chat socket, and hooks for the start and stop of the server."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from apps.chat.consumers import ChatConsumer
from apps.chat.live.hub import hubs

websocket_urlpatterns: list[Any] = [
    # Any slug: one that is invalid is refused with the close code of unknown rooms.
    re_path(r"^ws/chat/(?P<slug>[^/]+)/$", ChatConsumer.as_asgi()),
]
startup, shutdown = hubs.startup, hubs.shutdown
