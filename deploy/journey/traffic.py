"""Traffic for the steps that break things: threads that write and read, over REST and sockets, and keep account of it."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from typing import Any

from deploy.journey.websocket import Closed, Refused, WebSocket
from deploy.journey.world import PRIVATE, Person, World, new_message

PAUSE = 0.05  # seconds between two calls of one thread: below the zone's rate with all of them


class Traffic:
    """Two REST writers, two readers, two socket writers and two socket listeners. `acknowledged` is what was promised."""

    def __init__(self, world: World, people: list[Person]) -> None:
        self.world = world
        self.acknowledged: dict[str, tuple[str, int]] = {}
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.reconnects: Counter[str] = Counter()
        self.heard: list[list[int]] = []
        self.longest_gap = 0.0
        self._lock = threading.Lock()
        self._end = threading.Event()
        jobs = [self._post, self._read, self._speak, self._listen]
        self._threads = [
            threading.Thread(target=self._guarded, args=(job, person), daemon=True)
            for person in people
            for job in jobs
        ]
        self.errors: list[str] = []

    def __enter__(self) -> Traffic:  # noqa: PYI034 (typing has Self only since Python 3.11)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _guarded(self, job: Any, person: Person) -> None:
        try:
            job(person)
        except Exception as error:  # noqa: BLE001 (a thread that ends early has to show up in the report)
            self.errors.append(f"{job.__name__}: {error!r}")

    def _count(self, what: str, answer: str, *, failed: bool) -> None:
        with self._lock:
            self.answers[f"{what} {answer}"] += 1
            if failed:
                self.failures.append(f"{what} {answer}")

    def _call(self, person: Person, method: str, path: str, body: Any = None) -> Any:
        """One REST call, counted. The answer, or None when it failed."""
        try:
            answer = person.rest.call(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            self._count(method, type(error).__name__, failed=True)
            return None
        self._count(method, str(answer.status), failed=answer.status >= 500)
        if answer.status == 429:
            time.sleep(1)
        return answer if answer.status < 400 else None

    def _post(self, person: Person) -> None:
        while not self._end.is_set():
            sent = new_message("by REST")
            # The same client_id until it is acknowledged: sending twice is harmless, giving up is not.
            while True:
                answer = self._call(person, "POST", f"{PRIVATE}/chat/rooms/{self.world.room}/messages/", sent)
                if answer is not None:
                    self._acknowledge(sent, answer.json)
                    break
                if self._end.is_set():
                    return
                time.sleep(PAUSE)
            time.sleep(PAUSE)

    def _read(self, person: Person) -> None:
        while not self._end.is_set():
            self._call(person, "GET", f"{PRIVATE}/users/me/")
            time.sleep(PAUSE)

    def _acknowledge(self, sent: dict[str, str], ack: dict[str, Any]) -> None:
        with self._lock:
            self.acknowledged[sent["client_id"]] = (ack["id"], ack["seq"])

    def _connect(self, person: Person, after: int | None, what: str) -> WebSocket | None:
        """A socket that was welcomed; None when the traffic ends first."""
        begun = time.monotonic()
        while not self._end.is_set():
            try:
                socket = self.world.socket(person, after=after)
                socket.until("welcome", timeout=5)
            except (Refused, Closed, TimeoutError):
                time.sleep(0.2)
                continue
            with self._lock:
                self.reconnects[what] += 1
                self.longest_gap = max(self.longest_gap, time.monotonic() - begun)
            return socket
        return None

    def _speak(self, person: Person) -> None:
        socket = self._connect(person, None, "speaker")
        while socket is not None and not self._end.is_set():
            sent = new_message("by WebSocket")
            while socket is not None:
                try:
                    socket.send(sent)
                    ack = socket.until("ack", timeout=5)
                    if ack["client_id"] == sent["client_id"]:
                        self._acknowledge(sent, ack)
                        break
                except (Closed, TimeoutError):
                    socket.close()
                    socket = self._connect(person, None, "speaker")
            time.sleep(PAUSE)
        if socket is not None:
            socket.close()

    def _listen(self, person: Person) -> None:
        seqs: list[int] = []
        self.heard.append(seqs)
        after: int | None = None
        socket = self._connect(person, after, "listener")
        while socket is not None and not self._end.is_set():
            try:
                frame = socket.receive(timeout=0.5)
                if frame.get("type") == "message":
                    seqs.append(frame["seq"])
                    after = frame["seq"]
            except TimeoutError:
                continue
            except Closed:
                socket.close()
                socket = self._connect(person, after, "listener")
        if socket is not None:
            socket.close()
