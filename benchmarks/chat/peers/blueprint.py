"""Rooms as in Channels' documentation: AsyncWebsocketConsumer, one group for a room, RedisChannelLayer.

Served by the same uvicorn with the same options as the product, so that only consumer and layer differ.
"""

from __future__ import annotations

import os
import sys
from typing import Any
from uuid import uuid4

import django
import uvicorn
from django.conf import settings

django.setup()
settings.CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [os.environ["REDIS_URL"]], "capacity": 1500, "expiry": 10},
    }
}

import jwt  # noqa: E402  (settings come first)
import orjson  # noqa: E402
from channels.db import database_sync_to_async  # noqa: E402
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402

from apps.chat.models import Membership  # noqa: E402
from apps.users.models import Session, User  # noqa: E402

CHECKS, STORE = os.environ.get("WITH_CHECKS") == "1", os.environ.get("WITH_STORE") == "1"
SECRET = os.environ["JWT_KEYS"].split(",")[0].split(":")[1]


class BenchMessage(models.Model):  # noqa: DJ008
    """The peers' own table; the script creates it."""

    room = models.TextField()
    sender = models.UUIDField()
    text = models.TextField()

    class Meta:
        app_label = "chat"
        db_table = "bench_message"
        managed = False


@database_sync_to_async
def admit(token: str, slug: str) -> tuple[Any, str] | None:
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer="sarsen", audience="sarsen")
        user = User.objects.get(pk=claims["sub"], is_active=True)
    except (jwt.PyJWTError, User.DoesNotExist):
        return None
    if not Session.objects.filter(pk=claims["sid"], ended_at=None, expires_at__gt=timezone.now()).exists():
        return None
    is_member = Membership.objects.filter(user=user, room__slug=slug).exists()
    return (user.pk, user.name) if is_member else None


@database_sync_to_async
def store(room: str, sender: Any, text: str) -> int:
    return BenchMessage.objects.create(room=room, sender=sender, text=text).pk


class Room(AsyncWebsocketConsumer):
    """One group for all members, which receives every message."""

    group: str | None = None

    async def connect(self) -> None:
        self.slug = self.scope["url_route"]["kwargs"]["slug"]
        self.user: Any = ("00000000-0000-4000-8000-000000000000", "Benchmark")
        if CHECKS:
            headers = dict(self.scope["headers"])
            token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
            self.user = await admit(token, self.slug)
            if self.user is None:
                await self.close()
                return
        self.group = "chat_" + self.slug
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send(text_data='{"type":"welcome"}')

    async def disconnect(self, code: int) -> None:
        if self.group is not None:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str = "", bytes_data: bytes | None = None) -> None:
        text = orjson.loads(text_data)["message"]
        id_ = await store(self.slug, self.user[0], text) if STORE else uuid4()
        frame = {"type": "message", "id": id_, "message": text, "from": self.user[0], "client_id": uuid4()}
        text = orjson.dumps({**frame, "from_name": self.user[1], "at": timezone.now()}).decode()
        await self.channel_layer.group_send(self.group, {"type": "chat.message", "text": text})

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
