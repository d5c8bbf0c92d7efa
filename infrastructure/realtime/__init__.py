"""Pushing to open sockets, from anywhere: views, services, tasks, commands, coroutines, all by the same call.

    realtime.push_to_room(room_id, {"type": "announcement", "text": "…"})     # every socket in a room
    realtime.push_to_user(user_id, {"type": "notification", …})               # every socket of a person
    realtime.publish("session:<uuid>", {"type": "session.ended"})             # every process with sockets of that session

Both wait for the commit of the transaction that they are called in, and are dropped when it is rolled back. In a
coroutine, where there is none, they are on their way when they return; the same names with an `a` in front can be waited
for. `publish` waits for nothing. None of them raises when Redis is away: they log and count, and who listens compares
itself with the database from time to time.

Two ways lead to the sockets (docs/adr/0005). Rooms are busy: they travel on the `bus`. What concerns a person or a
session is rare: it travels on the Channels layer, in the group that every process with sockets is in (`control`).
"""

from __future__ import annotations

import asyncio
from asyncio import to_thread
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import transaction

from infrastructure.realtime import bus, control

_ROOM: Final = "room:"
# The loop itself holds on to its tasks only weakly.
_on_their_way: Final[set[asyncio.Task[None]]] = set()


def room_channel(room_id: UUID) -> str:
    """The channel of a room."""
    return f"{_ROOM}{room_id}"


def publish(channel: str, payload: Mapping[str, Any]) -> None:
    """Send a JSON object to `room:<uuid>`, `user:<uuid>` or `session:<uuid>`. From a coroutine use `apublish`."""
    if channel.startswith(_ROOM):
        post(channel, encode(payload))
    else:
        control.send(channel, payload)


async def apublish(channel: str, payload: Mapping[str, Any]) -> None:
    """`publish` for coroutines."""
    if channel.startswith(_ROOM):
        await apost(channel, encode(payload))
    else:
        await control.asend(channel, payload)


def push(channel: str, payload: Mapping[str, Any]) -> None:
    """`publish` after the commit of the running transaction; at once where there is none, without waiting in a loop."""
    payload = dict(payload)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        # `on_commit` alone would open a connection to the database where none is needed.
        if transaction.get_connection().in_atomic_block:
            transaction.on_commit(partial(publish, channel, payload))
        else:
            publish(channel, payload)
        return
    task = loop.create_task(apublish(channel, payload))
    _on_their_way.add(task)
    task.add_done_callback(_on_their_way.discard)


def push_to_room(room_id: UUID, event: Mapping[str, Any]) -> None:
    """Hand `event` to every socket in a room, in every process, after the commit."""
    push(room_channel(room_id), event)


async def apush_to_room(room_id: UUID, event: Mapping[str, Any]) -> None:
    """`push_to_room` for coroutines."""
    await apublish(room_channel(room_id), event)


def push_to_user(user_id: UUID, event: Mapping[str, Any]) -> None:
    """Hand `event` to every socket of a person, in every process, after the commit."""
    push(f"user:{user_id}", event)


async def apush_to_user(user_id: UUID, event: Mapping[str, Any]) -> None:
    """`push_to_user` for coroutines."""
    await apublish(f"user:{user_id}", event)


def post(channel: str, body: bytes) -> None:
    """Send bytes on the bus. A listener of this very process gets them without Redis, too."""
    local = bus.running()
    if local is None:
        bus.send(channel, body)
    else:
        local.deliver_from_thread(channel, body)
        bus.send(channel, body, origin=local.origin)


async def apost(channel: str, body: bytes) -> None:
    """`post` for coroutines; where a bus runs in this loop it does not wait for Redis."""
    local = bus.running()
    if local is not None and local.is_of_this_loop:
        local.publish(channel, body)
    else:
        await to_thread(post, channel, body)


def encode(payload: Mapping[str, Any]) -> bytes:
    """The JSON of an event; times in UTC with a Z."""
    return orjson.dumps(payload, option=orjson.OPT_UTC_Z)
