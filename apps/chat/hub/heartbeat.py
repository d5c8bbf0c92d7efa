"""Presence between processes: a word when someone comes or goes, and a heartbeat that heals what was missed.

For each room a sorted set in Redis holds `user|process|name` with the time until which it counts. A process renews its
own people at every beat; those of a process that crashed run out. No database is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from apps.chat import wire
from apps.chat.hub.feed import Feed
from infrastructure import realtime
from infrastructure.realtime.bus import Bus


class Heartbeat:
    """Speaks and listens for the people who are in this process's rooms."""

    EVERY: Final = 5.0
    LASTS: Final = 15.0
    # In a crowd everyone's coming and going would be told to everyone; beyond this many nobody's is.
    LIMIT: Final = 256

    def __init__(self, bus: Bus, process: str, feeds: Mapping[UUID, Feed]) -> None:
        self._bus = bus
        self._process = process
        self._feeds = feeds

    def tell(self, feed: Feed, user: UUID, name: str, *, is_online: bool) -> None:
        """Someone's first socket here came, or their last one went."""
        key, member = _key(feed.room_id), self._member(user, name)
        if is_online:
            self._bus.send("ZADD", key, time.time() + self.LASTS, member)
            self._bus.send("EXPIRE", key, int(self.LASTS * 4))
        else:
            self._bus.send("ZREM", key, member)
        event = {
            "type": "presence",
            "user": str(user),
            "name": name,
            "online": is_online,
            "by": self._process,
        }
        self._bus.publish(realtime.room_channel(feed.room_id), realtime.encode(event))

    def heard(self, feed: Feed, event: Mapping[str, Any]) -> None:
        """The word of a process; told to the sockets here when it changes who is there."""
        user, name, is_online = UUID(event["user"]), str(event["name"]), bool(event["online"])
        if event["by"] != self._process:
            change = feed.presence.heard(user, name, str(event["by"]), is_online=is_online)
            self._announce(feed, [] if change is None else [change])
        elif feed.presence.is_in(user) == is_online:  # still elsewhere: nothing has changed for anyone
            self._announce(feed, [(user, name, is_online)])

    async def beat(self) -> None:
        """Renew this process's people, and learn who else is there now."""
        now = time.time()
        feeds = [feed for feed in self._feeds.values() if feed.subscribers]
        commands: list[tuple[Any, ...]] = []
        for feed in feeds:
            key = _key(feed.room_id)
            scores = [
                part
                for user, name in feed.presence.here
                for part in (now + self.LASTS, self._member(user, name))
            ]
            commands += [
                ("ZADD", key, *scores),
                ("EXPIRE", key, int(self.LASTS * 4)),
                ("ZREMRANGEBYSCORE", key, "-inf", now),
                ("ZRANGE", key, 0, -1),
            ]
        answers = await self._bus.ask(*commands) if commands else None
        if answers is None:
            return
        for feed, members in zip(feeds, answers[3::4], strict=True):
            self._announce(feed, feed.presence.replace(self._others(members)))

    def _announce(self, feed: Feed, changes: Iterable[tuple[UUID, str, bool]]) -> None:
        if len(feed.presence) > self.LIMIT:
            return
        for user, name, is_online in changes:
            feed.announce(wire.encode({"type": "presence", "user": user, "name": name, "online": is_online}))

    def _member(self, user: UUID, name: str) -> str:
        return f"{user}|{self._process}|{name}"

    def _others(self, members: Iterable[bytes]) -> list[tuple[UUID, str, str]]:
        parts = (member.decode().split("|", 2) for member in members)
        return [(UUID(user), name, process) for user, process, name in parts if process != self._process]


def _key(room_id: UUID) -> str:
    return f"sarsen:presence:{room_id}"
