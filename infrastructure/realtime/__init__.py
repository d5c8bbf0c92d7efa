"""Pushes events to open sockets, by the same call from views, services, tasks, commands and coroutines.

    realtime.push_to_room(room_id, {"type": "announcement", "text": "…"})     # every socket in a room
    realtime.push_to_user(user_id, {"type": "notification", …})               # every socket of a user
    realtime.publish("session:<uuid>", {"type": "session.ended"})             # every process with sockets of that session

The `push_` functions wait for the commit of the current transaction, and are dropped when it is rolled back. In a
coroutine, where there is none, they are sent without waiting; the same names with an `a` in front can be awaited.
`publish` does not wait for a commit. None of them raises when Redis is unavailable: they log and count, and receivers
compare themselves with the database from time to time.

There are two channels to the sockets (docs/adr/0005). Rooms are busy: they use the `bus`. Events for a user or a session
are rare: they use the Channels layer, in the group of all processes with sockets (`control`).
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
# The loop holds only weak references to its tasks.
_on_their_way: Final[set[asyncio.Task[None]]] = set()


def room_channel(room_id: UUID) -> str:
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
    """`publish` after the commit of the current transaction; at once without one, without waiting in an event loop."""
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
    """Send `event` to every socket in a room, in every process, after the commit."""
    push(room_channel(room_id), event)


async def apush_to_room(room_id: UUID, event: Mapping[str, Any]) -> None:
    """`push_to_room` for coroutines."""
    await apublish(room_channel(room_id), event)


def push_to_user(user_id: UUID, event: Mapping[str, Any]) -> None:
    """Send `event` to every socket of a user, in every process, after the commit."""
    push(f"user:{user_id}", event)


async def apush_to_user(user_id: UUID, event: Mapping[str, Any]) -> None:
    """`push_to_user` for coroutines."""
    await apublish(f"user:{user_id}", event)


def post(channel: str, body: bytes) -> None:
    """Send bytes on the bus. Listeners of this process receive them without Redis as well."""
    local = bus.running()
    if local is None:
        bus.send(channel, body)
    else:
        local.deliver_from_thread(channel, body)
        bus.send(channel, body, origin=local.origin)


async def apost(channel: str, body: bytes) -> None:
    """`post` for coroutines; does not wait for Redis when a bus runs in this loop."""
    local = bus.running()
    if local is not None and local.is_of_this_loop:
        local.publish(channel, body)
    else:
        await to_thread(post, channel, body)


def encode(payload: Mapping[str, Any]) -> bytes:
    """The JSON of an event; times in UTC with a Z."""
    return orjson.dumps(payload, option=orjson.OPT_UTC_Z)
