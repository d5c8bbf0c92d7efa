"""Presence between processes: an event when a user comes or goes, and a periodic exchange that repairs missed events.

For each room a set in Redis names the processes with sockets there, and each process keeps its users under a key that
expires. A process renews its keys at every beat and reads those of the others; the keys of a crashed process expire.
Redis measures the time, so the clocks of hosts do not matter. PostgreSQL is not written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from apps.chat.live.feed import Feed
from apps.chat.live.presence import Change
from infrastructure import realtime
from infrastructure.product import PRODUCT
from infrastructure.realtime.bus import Bus


class PresenceSync:
    """Publishes the users in this process's rooms, and reads those of other processes."""

    EVERY: Final = 5.0
    LASTS: Final = 15
    GATHERED: Final = 0.25
    # At most one event per room in this time: otherwise many users arriving one after another would each cost a write
    # to every socket in the room.
    PAUSE: Final = 1.0

    def __init__(self, bus: Bus, process: str, feeds: Mapping[UUID, Feed]) -> None:
        self._bus = bus
        self._process = process
        self._feeds = feeds
        self._pending: dict[UUID, dict[UUID, Change]] = {}
        self._published_at: dict[UUID, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, feed: Feed, change: Change) -> None:
        """Publish, a moment later and with others, that a user's first socket here came or their last one went."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.GATHERED, self.flush_due)
        pending = self._pending.setdefault(feed.room_id, {})
        # A user who left and returned, or came and left, within that time has not changed.
        if pending.pop(change.user_id, None) is None:
            pending[change.user_id] = change

    def flush_due(self) -> None:
        """Publish for the rooms whose pause is over, and schedule the others."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._published_at = {
            room_id: at for room_id, at in self._published_at.items() if now - at < self.PAUSE
        }
        due = [room_id for room_id in self._pending if room_id not in self._published_at]
        self._published_at.update(dict.fromkeys(due, now))
        try:
            self._flush(due)
        finally:
            self._timer = loop.call_later(self.GATHERED, self.flush_due) if self._pending else None

    def flush(self) -> None:
        self._flush(list(self._pending))

    def _flush(self, room_ids: Iterable[UUID]) -> None:
        for room_id in room_ids:
            pending = self._pending.pop(room_id)
            feed = self._feeds.get(room_id)
            if feed is None:
                continue
            for command in self._state(feed):
                self._bus.send(*command)
            event = {
                "type": "presence",
                "by": self._process,
                "since": feed.presence.published_version,
                "version": feed.presence.version,
                "people": [[str(user_id), name, is_online] for user_id, name, is_online in pending.values()],
            }
            feed.presence.published_version = feed.presence.version
            self._bus.publish(realtime.room_channel(room_id), realtime.encode(event))

    def heard(self, feed: Feed, event: Mapping[str, Any]) -> None:
        """Apply the event of a process, and send the changes to the sockets."""
        if event["by"] != self._process and "version" in event:
            changes = [Change(UUID(id_), name, is_online) for id_, name, is_online in event["people"]]
            feed.presence.apply(event["by"], changes, since=event["since"], version=event["version"])
        self._announce(feed)

    async def beat(self) -> None:
        """Renew the states of this process, and read those of others."""
        await self.exchange([feed for feed in self._feeds.values() if feed.subscribers])

    async def exchange(self, feeds: Sequence[Feed]) -> None:
        """`beat` for some rooms."""
        commands = [command for feed in feeds for command in (*self._state(feed), ("SMEMBERS", _key(feed)))]
        answers = await self._bus.ask(*commands) if commands else None
        if answers is None:
            return
        asked: list[tuple[Feed, list[str]]] = []
        for feed, members in zip(feeds, answers[3::4], strict=True):
            others = {name.decode() for name in members}.union(feed.presence.processes) - {self._process}
            if others:
                asked.append((feed, sorted(others)))
        gets = [("MGET", *(_key(feed, process) for process in processes)) for feed, processes in asked]
        values = await self._bus.ask(*gets) if gets else None
        for (feed, processes), found in zip(asked, values or (), strict=values is not None):
            for process, value in zip(processes, found, strict=True):
                self._learn(feed, process, value)
        for feed in feeds:
            self._announce(feed)

    def _state(self, feed: Feed) -> tuple[tuple[Any, ...], ...]:
        """Returns the three commands that store this process's state."""
        users = {str(user_id): name for user_id, name in feed.presence.here.items()}
        value = b"%d %b" % (feed.presence.version, orjson.dumps(users))
        return (
            ("SET", _key(feed, self._process), value, "EX", self.LASTS),
            ("SADD", _key(feed), self._process),
            ("EXPIRE", _key(feed), self.LASTS * 4),
        )

    def _learn(self, feed: Feed, process: str, value: bytes | None) -> None:
        if feed.presence.note(process, is_alive=value is not None):
            self._bus.send("SREM", _key(feed), process)
        if value is not None:
            number, _, names = value.partition(b" ")
            version = int(number)
            if feed.presence.lacks(process, version):
                users = {UUID(id_): name for id_, name in orjson.loads(names).items()}
                feed.presence.replace(process, users, version=version)

    def _announce(self, feed: Feed) -> None:
        for user_id, name, is_online in feed.presence.take_changes():
            frame = {"type": "presence", "user": user_id, "name": name, "online": is_online}
            feed.announce(realtime.encode(frame), skip=user_id)


def _key(feed: Feed, process: str = "") -> str:
    """All keys of a room are in one slot of a Redis cluster."""
    key = f"{PRODUCT.slug}:present:{{{feed.room_id}}}"
    return f"{key}:{process}" if process else key
