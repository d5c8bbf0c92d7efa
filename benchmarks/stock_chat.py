"""The peer of `chat_fanout`: a room as Channels' own documentation builds it, on RedisChannelLayer. Nothing is stored.

Served by the same uvicorn with the same options as the product, so that only consumer and layer differ.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import uvicorn
from django.conf import settings

settings.configure(
    SECRET_KEY="of a benchmark",
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]], "capacity": 1500, "expiry": 10},
        }
    },
)

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402  (settings come first)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402


class Room(AsyncWebsocketConsumer):
    """Everyone in one group; whatever one says goes to all."""

    async def connect(self) -> None:
        self.group = "chat_" + self.scope["url_route"]["kwargs"]["slug"]
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str = "", bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send(self.group, {"type": "chat.message", "text": text_data})

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


application = ProtocolTypeRouter({"websocket": URLRouter([path("ws/chat/<slug:slug>/", Room.as_asgi())])})

if __name__ == "__main__":
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        ws="websockets-sansio",
        ws_max_size=16 * 1024,
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="warning",
    )
