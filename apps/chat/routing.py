"""The route of the chat's socket, and the hooks that the server calls when it starts and stops."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from apps.chat.consumers import ChatConsumer
from apps.chat.live.hub import hubs

websocket_urlpatterns: list[Any] = [
    # A room that cannot exist is refused by its close code, like any other that does not.
    re_path(r"^ws/chat/(?P<slug>[^/]+)/$", ChatConsumer.as_asgi()),
]
startup, shutdown = hubs.startup, hubs.shutdown
