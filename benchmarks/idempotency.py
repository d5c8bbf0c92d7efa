"""Kills a server during calls with an Idempotency-Key, and repeats them all: `python -m benchmarks.idempotency`.

Starts its own PostgreSQL, Valkey and server. In each round many messages are posted at once, each under a different key,
most of them twice at the same time; the server gets a SIGKILL in between and is restarted; then
every call is repeated until it is answered. Afterwards each message has to be in its room once, and each key has to
have one answer.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from infrastructure.embedded import postgres, servers

ROUNDS, CALLS = 8, 60
LOGIN = "/api/public/v1/auth/login/"
MESSAGES = "/api/private/v1/chat/rooms/lobby/messages/"
GRACE = {"email": "grace@example.com", "password": "demo-password-2026"}


class Product:
    """One server, which can be killed and started again."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._port = postgres.free_port()
        self._environment = environment
        self._log = log
        self.url = f"http://127.0.0.1:{self._port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "config.serve", "--port", str(self._port)]
            self.process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise SystemExit(self._log.read_text()[-3000:]) from None
                time.sleep(0.1)

    def kill(self) -> None:
        """Send SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def post(url: str, headers: dict[str, str], name: str) -> httpx.Response | None:
    """Post one message, named like its key. Returns None without an answer."""
    try:
        return httpx.post(
            url + MESSAGES,
            json={"message": name},
            headers={**headers, "Idempotency-Key": name},
            timeout=30,
            trust_env=False,
        )
    except httpx.TransportError:
        return None


def main() -> int:
    """Run all rounds, then compare."""
    outcomes: Counter[str] = Counter()
    answers: dict[str, set[str]] = {}
    lock = threading.Lock()
    with servers.throwaway({}) as engines, tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            **engines.urls,
            "DJANGO_READ_DOT_ENV": "0",
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DATA_DIR": folder,
            "RATES_PRIVATE": "1000000/minute",
            "RATES_PUBLIC": "1000000/minute",
        }
        prepare = [sys.executable, "manage.py", "prepare", "--demo"]
        subprocess.run(prepare, env=environment, check=True, stdout=subprocess.DEVNULL)
        product = Product(environment, Path(folder) / "log")
        product.start()
        try:
            access = httpx.post(product.url + LOGIN, json=GRACE, trust_env=False).json()["access"]
            headers = {"Authorization": f"Bearer {access}"}

            def send(name: str) -> bool:
                answer = post(product.url, headers, name)
                if answer is None:
                    kind = "unanswered"
                elif answer.status_code == 201:
                    kind = "replayed" if "Idempotency-Replayed" in answer.headers else "carried out"
                    with lock:
                        answers.setdefault(name, set()).add(answer.json()["id"])
                else:
                    kind = f"{answer.status_code} {answer.json()['code']}"
                with lock:
                    outcomes[kind] += 1
                return kind in ("carried out", "replayed")

            names = []
            for number in range(ROUNDS):
                mine = [f"round-{number}-{call}" for call in range(CALLS)]
                names += mine
                with ThreadPoolExecutor(16) as pool:
                    calls = [pool.submit(send, name) for name in mine for _ in range(2)]
                    time.sleep(random.uniform(0.02, 0.35))
                    product.kill()
                    for call in calls:
                        call.result()
                product.start()
                for name in mine:
                    while not send(name):
                        time.sleep(0.05)
            stored: Counter[str] = Counter()
            page = f"{product.url}{MESSAGES}?after=0&limit=100"
            while page:
                listed = httpx.get(page, headers=headers, trust_env=False).json()
                stored.update(
                    row["message"] for row in listed["results"] if row["message"].startswith("round-")
                )
                page = listed["next"] if listed["results"] else ""
        finally:
            product.kill()
    twice = [name for name in names if stored[name] != 1]
    torn = [name for name in names if len(answers.get(name, set())) != 1]
    print("  ".join(f"{kind}: {count}" for kind, count in sorted(outcomes.items())))
    print(f"{len(names)} keys, {ROUNDS} kills: {len(twice)} not stored once, {len(torn)} without one answer")
    return 1 if twice or torn or len(stored) != len(names) else 0


if __name__ == "__main__":
    sys.exit(main())
