"""Accounts for `make chaos`: registrations with their mails, profiles and pictures."""

from __future__ import annotations

import asyncio
import collections
import io
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urljoin

from PIL import Image

from apps.common.tests.chaos import Mail, Site
from apps.users.models import User

ME = "private/v1/users/me/"


def wrong_mails(registered: Iterable[str], mails: Sequence[Mail]) -> list[str]:
    """Return what is wrong of the welcome mails: one for each account. A mail server folds two of one Message-ID."""
    ids: dict[str, set[str]] = collections.defaultdict(set)
    for mail in mails:
        ids[mail.to].add(mail.message_id)
    return [f"{email} got {len(ids[email])} welcome mails" for email in registered if len(ids[email]) != 1]


class Accounts:
    """Registers accounts, changes a profile and its picture, and asks for an account all the time."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.registered: set[str] = set()
        self.pending: set[str] = set()
        self.name = ""
        self.colour = 0
        self.pictures = 0

    async def prepare(self) -> None:
        """The campaign's own accounts are all that it needs."""

    async def run(self) -> None:
        """Send until it is over."""
        await asyncio.gather(
            *(self._register(number) for number in range(2)), self._edit(), self._draw(), self._ask()
        )

    async def _register(self, lane: int) -> None:
        for number in itertools.count():
            if self.site.is_over:
                return
            email = f"chaos-{lane}-{number}@example.com"
            self.pending.add(email)
            answer = await self.site.register("Chaos", email)
            if answer.status_code == 201:
                self.registered.add(email)
            else:
                self.site.faults.append(f"{email}: {answer.status_code} {answer.text[:200]}")
            self.pending.discard(email)
            await asyncio.sleep(0.5)

    async def _edit(self) -> None:
        for number in itertools.count(1):
            if self.site.is_over:
                return
            name = f"Name {number}"
            answer = await self.site.until_acknowledged(
                "PATCH", ME, user=self.site.users[0], json={"name": name}
            )
            self.name = name
            if answer.status_code != 200:
                self.site.faults.append(f"profile: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(0.2)

    async def _draw(self) -> None:
        for number in itertools.count(1):
            if self.site.is_over:
                return
            colour = number % 200
            file = io.BytesIO()
            Image.new("RGB", (16, 16), (colour, colour, colour)).save(file, "PNG")
            answer = await self.site.until_acknowledged(
                "PUT",
                f"{ME}avatar/",
                user=self.site.users[0],
                files={"avatar": ("a.png", file.getvalue(), "image/png")},
            )
            self.colour = colour
            self.pictures += 1
            if answer.status_code != 200:
                self.site.faults.append(f"avatar: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(0.3)

    async def _ask(self) -> None:
        while not self.site.is_over:
            answer = await self.site.call("GET", ME, user=self.site.users[1])
            if answer is not None and answer.status_code not in (200, 503):
                self.site.faults.append(f"account: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(0.05)

    def mark(self) -> Mapping[str, Callable[[], bool]]:
        """Every account that is registered, or being registered, now gets its mail."""
        expected = self.registered | self.pending
        return {"mails of registrations": lambda: expected <= {mail.to for mail in self.site.mails}}

    async def reconcile(self) -> Mapping[str, int]:
        """Each account is there once, with one mail; profile and picture are those acknowledged last."""
        self.site.faults += wrong_mails(self.registered, self.site.mails)
        stored = await asyncio.to_thread(lambda: set(User.objects.values_list("email", flat=True)))
        if lost := self.registered - stored:
            self.site.faults.append(f"registered, but not stored: {sorted(lost)}")
        account = (await self.site.until_acknowledged("GET", ME, user=self.site.users[0])).json()
        if account["name"] != self.name:
            self.site.faults.append(f"the profile says {account['name']!r}, acknowledged was {self.name!r}")
        picture = await self.site.http.get(urljoin(f"http://{self.site.addresses[0]}/", account["avatar"]))
        drawn = Image.open(io.BytesIO(picture.content)).convert("L").resize((1, 1)).tobytes()[0]
        if abs(drawn - self.colour) > 3:
            self.site.faults.append(f"the picture has colour {drawn}, acknowledged was {self.colour}")
        sent_again = sum(mail.to in self.registered for mail in self.site.mails) - len(self.registered)
        return {
            "registrations": len(self.registered),
            "pictures": self.pictures,
            "mails sent again": sent_again,
        }


def chaos(site: Site) -> Accounts:
    """Traffic of accounts for `make chaos`."""
    return Accounts(site)
