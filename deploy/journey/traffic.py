"""Traffic for the steps that break things: threads that call the API and open sockets, and keep account of it."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from deploy.journey import slices
from deploy.journey.websocket import Closed, Refused, WebSocket
from deploy.journey.world import PRIVATE, Account, World

PAUSE = 0.05  # seconds between two calls of one thread


class Traffic:
    """A reader and a writer of the profile for each account, and the jobs that slices add."""

    def __init__(self, world: World, accounts: list[Account]) -> None:
        self.world = world
        self.accounts = accounts
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.sockets = 0
        self.reconnects = 0
        self.longest_gap = 0.0
        self.lock = threading.Lock()
        self._failed_at: list[float] = []
        self._end = threading.Event()
        self._loads = [module.Load(self) for module in slices.modules("Load")]
        jobs: list[Callable[[Account], None]] = [self._read, self._write]
        jobs += [job for load in self._loads for job in load.jobs]
        self._threads = [
            threading.Thread(target=self._guarded, args=(job, account), daemon=True)
            for account in accounts
            for job in jobs
        ]
        self._errors: list[str] = []

    def __enter__(self) -> Traffic:  # noqa: PYI034 (typing has Self only since Python 3.11)
        for account in self.accounts:
            account.sign_in()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def ended(self) -> bool:
        """Whether jobs have to end."""
        return self._end.is_set()

    @property
    def window(self) -> float:
        """Seconds between the first and the last failed call."""
        return max(self._failed_at) - min(self._failed_at) if self._failed_at else 0.0

    def outcome(self) -> str:
        """A summary of losses and failures. Raises AssertionError when a guarantee, also one of a slice, was broken."""
        assert not self._errors, self._errors
        calls = sum(self.answers.values())
        assert calls > len(self.failures), "no call succeeded"
        kinds = ", ".join(f"{count} × {kind}" for kind, count in Counter(self.failures).items())
        parts = [load.outcome() for load in self._loads]
        parts.append(f"{len(self.failures)} of {calls} REST calls failed" + (f" ({kinds})" if kinds else ""))
        if self.sockets:
            parts.append(
                f"{self.sockets} sockets, {self.reconnects} reconnects, worst {self.longest_gap:.1f} s"
            )
        return "; ".join(parts)

    def _guarded(self, job: Callable[[Account], None], account: Account) -> None:
        try:
            job(account)
        except Exception as error:  # noqa: BLE001 (a thread that ends early has to show up in the report)
            self._errors.append(f"{job.__name__}: {error!r}")

    def _count(self, what: str, *, failed: bool) -> None:
        with self.lock:
            self.answers[what] += 1
            if failed:
                self.failures.append(what)
                self._failed_at.append(time.monotonic())

    def call(self, account: Account, method: str, path: str, body: Any = None) -> Any:
        """One REST call, counted. The answer, or None when it failed."""
        try:
            answer = account.rest.call(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            self._count(f"{method} {type(error).__name__}", failed=True)
            return None
        self._count(f"{method} {answer.status}", failed=answer.status >= 400)
        return answer if answer.status < 400 else None

    def connect(self, account: Account, path: str, *, again: bool) -> WebSocket | None:
        """A socket that was welcomed; None when the traffic ends first. `again` counts it as a reconnect."""
        begun = time.monotonic()
        while not self.ended():
            try:
                socket = self.world.socket(account, path)
                socket.until("welcome", timeout=5)
            except (Refused, Closed, TimeoutError):
                time.sleep(0.2)
                continue
            with self.lock:
                if again:
                    self.reconnects += 1
                    self.longest_gap = max(self.longest_gap, time.monotonic() - begun)
                else:
                    self.sockets += 1
            return socket
        return None

    def _read(self, account: Account) -> None:
        while not self.ended():
            self.call(account, "GET", f"{PRIVATE}/users/me/")
            time.sleep(PAUSE)

    def _write(self, account: Account) -> None:
        number = 0
        while not self.ended():
            number += 1
            self.call(account, "PATCH", f"{PRIVATE}/users/me/", {"name": f"{account.name.title()} {number}"})
            time.sleep(PAUSE)
