"""Rooms on Starlette, with Redis pub/sub between processes: a set of sockets for a room, one reader for all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import jwt
import orjson
import uvicorn
from psycopg_pool import AsyncConnectionPool
from redis import asyncio as redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

CHECKS, STORE = os.environ.get("WITH_CHECKS") == "1", os.environ.get("WITH_STORE") == "1"
SECRET = os.environ["JWT_KEYS"].split(",")[0].split(":")[1]
NOBODY = ("00000000-0000-4000-8000-000000000000", "Benchmark")

rooms: defaultdict[str, set[WebSocket]] = defaultdict(set)
pool = AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=4, max_size=10, open=False)
bus = redis.Redis.from_url(os.environ["REDIS_URL"])


async def listen() -> None:
    async with bus.pubsub() as heard:
        await heard.psubscribe("starlette:*")
        async for message in heard.listen():
            if message["type"] != "pmessage":
                continue
            text = message["data"].decode()
            for socket in tuple(rooms[message["channel"].decode().partition(":")[2]]):
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    await socket.send_text(text)


async def admit(token: str, slug: str) -> tuple[str, str] | None:
    if not CHECKS:
        return NOBODY
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer="sarsen", audience="sarsen")
    except jwt.PyJWTError:
        return None
    async with pool.connection() as connection:
        rows = await connection.execute(
            "SELECT u.id, u.name FROM users_user u JOIN users_session s ON s.user_id = u.id AND s.id = %s"
            " JOIN chat_membership m ON m.user_id = u.id JOIN chat_room r ON r.id = m.room_id AND r.slug = %s"
            " WHERE u.id = %s AND u.is_active AND s.ended_at IS NULL AND s.expires_at > now()",
            (claims["sid"], slug, claims["sub"]),
        )
        return await rows.fetchone()


async def said(user: tuple[Any, str], slug: str, text: str) -> bytes:
    frame: dict[str, Any] = {"type": "message", "id": uuid4(), "message": text, "from": user[0]}
    if STORE:
        async with pool.connection() as connection:
            rows = await connection.execute(
                "INSERT INTO bench_message (room, sender, text) VALUES (%s, %s, %s) RETURNING id, created_at",
                (slug, user[0], text),
            )
            frame["id"], frame["at"] = await rows.fetchone()
    return orjson.dumps({**frame, "from_name": user[1], "client_id": uuid4()})


async def chat(socket: WebSocket) -> None:
    slug = socket.path_params["slug"]
    user = await admit(socket.headers.get("authorization", "").removeprefix("Bearer "), slug)
    if user is None:
        await socket.close()
        return
    await socket.accept()
    rooms[slug].add(socket)
    try:
        await socket.send_text('{"type":"welcome"}')
        while True:
            frame = orjson.loads(await socket.receive_text())
            await bus.publish(f"starlette:{slug}", await said(user, slug, frame["message"]))
    except WebSocketDisconnect:
        pass
    finally:
        rooms[slug].discard(socket)


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    reader = asyncio.create_task(listen())
    await pool.open()
    yield
    reader.cancel()
    await pool.close()


application = Starlette(routes=[WebSocketRoute("/ws/chat/{slug}/", chat)], lifespan=lifespan)

if __name__ == "__main__":
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        ws="websockets-sansio",
        ws_max_size=16 * 1024,
        ws_per_message_deflate=False,
        log_level="warning",
    )
