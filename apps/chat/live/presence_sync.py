"""Presence between processes: a word when someone comes or goes, and a heartbeat that heals what was missed.

For each room a sorted set in Redis holds `user|process|name` with the time until which it counts. A process renews its
own people at every beat; those of a process that crashed run out. No database is written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from apps.chat.live.feed import Feed
from apps.chat.live.presence import Change
from infrastructure import realtime
from infrastructure.realtime.bus import Bus


class PresenceSync:
    """Speaks and listens for the people who are in this process's rooms."""

    EVERY: Final = 5.0
    LASTS: Final = 15.0
    GATHERED: Final = 0.25
    # A room that was told something a moment ago hears the next together with what follows: many who arrive one
    # after another would otherwise cost a write for each of them to each of those who are there.
    PAUSE: Final = 1.0
    # In a crowd everyone's coming and going would be told to everyone; beyond this many nobody's is.
    LIMIT: Final = 256

    def __init__(self, bus: Bus, process: str, feeds: Mapping[UUID, Feed]) -> None:
        self._bus = bus
        self._process = process
        self._feeds = feeds
        self._news: dict[UUID, dict[UUID, tuple[str, bool]]] = {}
        self._told_at: dict[UUID, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, feed: Feed, user: UUID, name: str, *, is_online: bool) -> None:
        """Someone's first socket here came, or their last one went. Told a moment later, with what else happens."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.GATHERED, self.flush_due)
        news = self._news.setdefault(feed.room_id, {})
        # Who went and is back in that moment, or came and went, is no news.
        if news.pop(user, None) is None:
            news[user] = (name, is_online)

    def flush_due(self) -> None:
        """Tell the rooms that were not told anything just now, and come back for the others."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._told_at = {room_id: at for room_id, at in self._told_at.items() if now - at < self.PAUSE}
        due = [room_id for room_id in self._news if room_id not in self._told_at]
        self._told_at.update(dict.fromkeys(due, now))
        self._flush(due)
        self._timer = loop.call_later(self.GATHERED, self.flush_due) if self._news else None

    def flush(self) -> None:
        """Tell all that was gathered."""
        self._flush(list(self._news))

    def _flush(self, room_ids: Iterable[UUID]) -> None:
        """A word for each room, however many came and went."""
        until = time.time() + self.LASTS
        for room_id in room_ids:
            news = self._news.pop(room_id)
            key = _key(room_id)
            came = [self._member(user, name) for user, (name, is_online) in news.items() if is_online]
            went = [self._member(user, name) for user, (name, is_online) in news.items() if not is_online]
            if came:
                self._bus.send("ZADD", key, *(part for member in came for part in (until, member)))
                self._bus.send("EXPIRE", key, int(self.LASTS * 4))
            if went:
                self._bus.send("ZREM", key, *went)
            people = [[str(user), name, is_online] for user, (name, is_online) in news.items()]
            if people:
                word = {"type": "presence", "by": self._process, "people": people}
                self._bus.publish(realtime.room_channel(room_id), realtime.encode(word))

    def heard(self, feed: Feed, word: Mapping[str, Any]) -> None:
        """The word of a process; told to the sockets here when it changes who is there."""
        by = str(word["by"])
        changes: list[Change] = []
        for id_, name, is_online in word["people"]:
            user = UUID(id_)
            if by != self._process:
                change = feed.presence.heard(user, name, by, is_online=is_online)
                changes += [] if change is None else [change]
            elif feed.presence.is_in(user) == is_online:  # still elsewhere: nothing has changed for anyone
                changes.append((user, name, is_online))
        self._announce(feed, changes)

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

    def _announce(self, feed: Feed, changes: Iterable[Change]) -> None:
        if len(feed.presence) > self.LIMIT:
            return
        for user, name, is_online in changes:
            frame = realtime.encode({"type": "presence", "user": user, "name": name, "online": is_online})
            feed.announce(frame, skip=user)

    def _member(self, user: UUID, name: str) -> str:
        return f"{user}|{self._process}|{name}"

    def _others(self, members: Iterable[bytes]) -> list[tuple[UUID, str, str]]:
        parts = (member.decode().split("|", 2) for member in members)
        return [(UUID(user), name, process) for user, process, name in parts if process != self._process]


def _key(room_id: UUID) -> str:
    return f"sarsen:presence:{room_id}"
