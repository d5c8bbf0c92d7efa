"""Members who talk in one room over sockets and REST while faults happen, and ledgers of what they were told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from apps.common.testing.processes import SignedInUser
from apps.common.tests.chaos import PAUSE, Site

SLUG = "chaos"
ROOM = f"private/v1/chat/rooms/{SLUG}/"


@dataclass(slots=True)
class Ledger:
    """What one client was told: the texts that were acknowledged, the numbers it heard in order, and the room it shows."""

    acknowledged: dict[int, str] = field(default_factory=dict)
    heard: list[int] = field(default_factory=list)
    room: dict[int, str] = field(default_factory=dict)


def differences(stored: Sequence[tuple[int, str]], members: Sequence[Ledger], rest: Ledger) -> list[str]:
    """Compare the stored room with what members of sockets and the caller of REST were told. Returns what is wrong."""
    room = dict(stored)
    numbers = [seq for seq, _ in stored]
    faults = []
    if numbers != list(range(1, len(stored) + 1)):
        faults.append("the stored numbers have gaps or repeat")
    if twice := [text for text, count in Counter(text for _, text in stored).items() if count > 1]:
        faults.append(f"stored twice: {twice[:5]}")
    for name, ledger in [*((f"member {n}", one) for n, one in enumerate(members)), ("REST", rest)]:
        lost = [seq for seq, text in ledger.acknowledged.items() if room.get(seq) != text]
        if lost:
            faults.append(f"{name}: acknowledged, but not stored: {lost[:5]}")
    for n, ledger in enumerate(members):
        heard = set(ledger.heard)
        if missed := [seq for seq in numbers if seq not in heard]:
            faults.append(f"member {n}: not heard: {missed[:5]}")
        if lost := sorted(heard - set(numbers)):
            faults.append(f"member {n}: heard, but not stored: {lost[:5]}")
        if ledger.heard != sorted(heard):
            faults.append(f"member {n}: heard twice or out of order")
        if changed := [seq for seq, text in ledger.room.items() if room.get(seq, text) != text]:
            faults.append(f"member {n}: shows another text than is stored: {changed[:5]}")
    return faults


class Member:
    """Talks and listens over one socket after the other, by the rules of the documentation."""

    def __init__(self, site: Site, number: int, user: SignedInUser) -> None:
        self.site, self.number, self.user = site, number, user
        self.ledger = Ledger()
        self.unacknowledged: dict[str, str] = {}
        self.change = self.reconnects = 0
        self._refused: list[str] = []

    @property
    def last(self) -> int:
        return self.ledger.heard[-1] if self.ledger.heard else 0

    async def live(self) -> None:
        """Connect again and again, each time to the next process, until cancelled."""
        for turn in itertools.count(self.number):
            address = self.site.addresses[turn % len(self.site.addresses)]
            changes = f"&changes={self.change}" if self.change else ""
            uri = f"ws://{address}/ws/chat/{SLUG}/?after={self.last}{changes}"
            with contextlib.suppress(WebSocketException, OSError, TimeoutError):
                async with connect(
                    uri,
                    additional_headers=self.user.headers,
                    proxy=None,
                    compression=None,
                    open_timeout=10,
                    close_timeout=0.2,
                ) as socket:
                    talking = asyncio.create_task(self._talk(socket))
                    try:
                        await self._listen(socket)
                    finally:
                        talking.cancel()
                        await asyncio.gather(talking, return_exceptions=True)
            self.reconnects += 1
            await asyncio.sleep(PAUSE)

    async def _talk(self, socket: ClientConnection) -> None:
        """Send again what was not acknowledged before and what was refused, and something new in each turn."""
        self._refused = list(self.unacknowledged)
        with contextlib.suppress(WebSocketException):
            while True:
                again, self._refused = self._refused, []
                for client_id in again:
                    await self._send(socket, client_id)
                if not self.site.is_over and len(self.unacknowledged) < 50:
                    client_id = str(uuid4())
                    self.unacknowledged[client_id] = f"{self.number}: {uuid4().hex}"
                    await self._send(socket, client_id)
                await asyncio.sleep(PAUSE if again else 0.1)

    async def _send(self, socket: ClientConnection, client_id: str) -> None:
        if client_id in self.unacknowledged:
            body = {"message": self.unacknowledged[client_id], "client_id": client_id}
            await socket.send(json.dumps(body))

    async def _listen(self, socket: ClientConnection) -> None:
        ledger = self.ledger
        async for received in socket:
            frame: dict[str, Any] = json.loads(received)
            match frame["type"]:
                case "ack":
                    if (text := self.unacknowledged.pop(frame["client_id"], None)) is not None:
                        ledger.acknowledged[frame["seq"]] = text
                case "message":
                    ledger.heard.append(frame["seq"])
                    ledger.room[frame["seq"]] = frame["message"]
                    self.change = max(self.change, frame.get("change") or 0)
                case "edited":
                    if frame["seq"] <= self.last:
                        ledger.room[frame["seq"]] = frame["message"]
                    self.change = max(self.change, frame["change"])
                case "error" if frame["code"] == "unavailable":
                    self._refused.append(frame["client_id"])
                case "error":
                    self.site.faults.append(f"chat: {json.dumps(frame)}")


class Talk:
    """Members in one room. The first also posts and edits over REST, and mentions another after each fault."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.rest = Ledger()
        self.mentions: list[str] = []
        self._wanted = 0

    async def prepare(self) -> None:
        """Make the room."""
        owner, *others = self.site.users
        room = {"slug": SLUG, "name": "Chaos"}
        await self.site.until_acknowledged("POST", "private/v1/chat/rooms/", user=owner, json=room)
        for user in others:
            await self.site.until_acknowledged("POST", f"{ROOM}join/", user=user)
        self.members = [Member(self.site, number, user) for number, user in enumerate(self.site.users)]

    async def run(self) -> None:
        """Talk until it is over and every member has heard everything."""
        lives = [asyncio.create_task(member.live()) for member in self.members]
        await asyncio.gather(self._post(), self._mention())
        while any(member.unacknowledged for member in self.members) or not self._have_heard(self._head()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)  # for what would come twice
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)

    async def _post(self) -> None:
        for number in itertools.count(1):
            if self.site.is_over:
                return
            said = await self._say(f"REST {number}")
            if number % 3 == 0:
                text = f"REST {number}, edited"
                path = f"{ROOM}messages/{said['id']}/"
                await self.site.until_acknowledged(
                    "PATCH", path, user=self.site.users[0], json={"message": text}
                )
                self.rest.acknowledged[said["seq"]] = text
            await asyncio.sleep(0.2)

    async def _mention(self) -> None:
        while not self.site.is_over or len(self.mentions) < self._wanted:
            if len(self.mentions) < self._wanted:
                said = await self._say(f"<@{self.site.users[2].id}> see {len(self.mentions)}")
                self.mentions.append(said["id"])
            await asyncio.sleep(0.1)

    async def _say(self, text: str) -> dict[str, Any]:
        body = {"message": text, "client_id": str(uuid4())}
        answer = await self.site.until_acknowledged(
            "POST", f"{ROOM}messages/", user=self.site.users[0], json=body
        )
        if answer.status_code not in (200, 201):
            raise AssertionError(f"chat: {answer.status_code} {answer.text[:200]}")
        said: dict[str, Any] = answer.json()
        self.rest.acknowledged[said["seq"]] = text
        return said

    def _head(self) -> int:
        ledgers = [self.rest, *(member.ledger for member in self.members)]
        return max((seq for ledger in ledgers for seq in ledger.acknowledged), default=0)

    def _have_heard(self, head: int) -> bool:
        return all(member.last >= head for member in self.members)

    def mark(self) -> Mapping[str, Callable[[], bool]]:
        """All hear what was acknowledged, what was not is acknowledged, and every member speaks again."""
        self._wanted += 1
        head = self._head()
        waiting = [set(member.unacknowledged) for member in self.members]
        counts = [len(member.ledger.acknowledged) for member in self.members]

        def is_back() -> bool:
            return self._have_heard(head) and all(
                before.isdisjoint(member.unacknowledged) and len(member.ledger.acknowledged) > count
                for before, count, member in zip(waiting, counts, self.members, strict=True)
            )

        return {"sockets": is_back}

    async def reconcile(self) -> Mapping[str, int]:
        """Compare ledgers and stored room, and find each mention's notification once."""
        stored: list[tuple[int, str]] = []
        while page := await self._read(f"{ROOM}messages/?after={len(stored)}&limit=100", 0):
            stored += [(one["seq"], one["message"]) for one in page]
        ledgers = [member.ledger for member in self.members]
        self.site.faults += [f"chat: {what}" for what in differences(stored, ledgers, self.rest)]
        notified = Counter(
            one["data"].get("message")
            for one in await self._read("private/v1/notifications/?page_size=100", 2)
        )
        if notified != Counter(self.mentions[-100:]):
            self.site.faults.append(f"chat: {len(self.mentions)} mentions, notifications: {notified}")
        return {
            "messages": len(stored),
            "mentions": len(self.mentions),
            "reconnects": sum(member.reconnects for member in self.members),
        }

    async def _read(self, path: str, user: int) -> list[dict[str, Any]]:
        answer = await self.site.until_acknowledged("GET", path, user=self.site.users[user])
        results: list[dict[str, Any]] = answer.json()["results"]
        return results
