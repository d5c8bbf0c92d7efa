"""What slices write their traffic for `make chaos` with: clients that retry, and a ledger of what they were promised."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import uuid4

import httpx

from apps.common.testing.processes import PASSWORD, SignedInUser

LATE: Final = 7.0
"""Seconds after which an answer counts as a fault: DESIGN's bound of 5 s, and what a loaded machine adds."""
PAUSE: Final = 0.3
"""Seconds before a client tries again."""
AWAY: Final = frozenset({503, 507})


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call: when it was sent (`time.monotonic()`), how long it took, and the status, 0 without an answer."""

    at: float
    seconds: float
    status: int
    name: str

    def faults(self) -> list[str]:
        """What is wrong with the answer, whatever was called: an error of the server, or a late answer."""
        is_error = self.status >= 500 and self.status not in AWAY
        late = [f"{self.name}: {self.status} after {self.seconds:.1f} s"] if self.seconds > LATE else []
        return late + ([f"{self.name}: {self.status}"] if is_error else [])


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that the mail server has accepted."""

    to: str
    message_id: str


@dataclass(slots=True)
class Site:
    """The server processes, the accounts of the campaign, and what came of all calls."""

    addresses: list[str]
    mails: list[Mail]
    users: list[SignedInUser] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    is_over: bool = False
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=30, trust_env=False))
    _turns: itertools.count[int] = field(default_factory=itertools.count)

    async def call(
        self, method: str, path: str, *, user: SignedInUser | None = None, **options: Any
    ) -> httpx.Response | None:
        """Call the next process in turn, once. Returns None when it does not answer."""
        address = self.addresses[next(self._turns) % len(self.addresses)]
        headers = {**(user.headers if user else {}), **options.pop("headers", {})}
        started, status = time.monotonic(), 0
        answer = None
        try:
            answer = await self.http.request(
                method, f"http://{address}/api/{path}", headers=headers, **options
            )
            status = answer.status_code
        except httpx.TransportError:
            pass  # its process was killed
        call = Call(started, time.monotonic() - started, status, f"{method} {path}")
        self.calls.append(call)
        self.faults += call.faults()
        return answer

    async def until_acknowledged(
        self, method: str, path: str, *, user: SignedInUser | None = None, **options: Any
    ) -> httpx.Response:
        """Call until there is an answer other than "try again", under one Idempotency-Key."""
        headers = {"Idempotency-Key": str(uuid4()), **options.pop("headers", {})}
        while True:
            answer = await self.call(method, path, user=user, headers=headers, **options)
            if answer is not None and answer.status_code not in AWAY and not _is_in_flight(answer):
                return answer
            await asyncio.sleep(PAUSE)

    async def register(self, name: str, email: str) -> httpx.Response:
        """Register an account, from an address of its own."""
        return await self.until_acknowledged(
            "POST",
            "public/v1/auth/register/",
            json={"email": email, "name": name, "password": PASSWORD},
            headers={"X-Forwarded-For": f"198.51.{next(self._turns) // 250 % 250}.{next(self._turns) % 250}"},
        )

    async def join(self, name: str) -> SignedInUser:
        """Register an account and sign it in."""
        email = f"{name}-{uuid4().hex[:8]}@example.com"
        account = (await self.register(name.title(), email)).json()
        tokens = await self.until_acknowledged(
            "POST", "public/v1/auth/login/", json={"email": email, "password": PASSWORD}
        )
        return SignedInUser(id=account["id"], email=email, access=tokens.json()["access"])


class Traffic(Protocol):
    """What a slice sends while faults happen. A slice's `tests/campaigns.py` has a `chaos(site)` that makes one."""

    async def prepare(self) -> None:
        """Make what the traffic needs, before the first fault."""

    async def run(self) -> None:
        """Send until `site.is_over` and everything sent is acknowledged."""

    def mark(self) -> Mapping[str, Callable[[], bool]]:
        """Return what has to come about by itself after a fault, by names for the report."""

    async def reconcile(self) -> Mapping[str, int]:
        """Compare what was acknowledged with what there is; note differences in `site.faults`. Returns the counts."""


def _is_in_flight(answer: httpx.Response) -> bool:
    if answer.status_code != 409:
        return False
    return bool(json.loads(answer.content).get("code") == "idempotency_in_flight")
