"""Refresh tokens under attack, over two processes and a restart: `python -m apps.users.tests.families`.

Starts its own PostgreSQL, Valkey and two servers. A family is refreshed within a second, its first token is used again
(also with a server killed and restarted in between), and 20 calls use one token at once. Each line is a scenario and its
result; the exit code is 1 when a bar is missed.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from infrastructure.embedded import postgres, servers

AUTH, ME = "/api/public/v1/auth", "/api/private/v1/users/me/"
GRACE = {"email": "grace@example.com", "password": "demo-password-2026"}


class Server:
    """One process; it can be killed and started again."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._port = postgres.free_port()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=30, trust_env=False)
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "config.serve", "--port", str(self._port)]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.TransportError):
                if self.client.get("/readyz").is_success:
                    return
            if time.monotonic() > until:
                raise SystemExit(self._log.read_text()[-3000:])
            time.sleep(0.2)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> None:
        """Stop gracefully."""
        self._process.terminate()
        self._process.wait(30)
        self.client.close()


def signed_in(client: httpx.Client) -> dict[str, str]:
    answer = client.post(f"{AUTH}/login/", json=GRACE)
    assert answer.status_code == 200, answer.text
    pair: dict[str, str] = answer.json()
    return pair


def trade(client: httpx.Client, refresh: str) -> httpx.Response:
    return client.post(f"{AUTH}/refresh/", json={"refresh": refresh})


def is_dead(client: httpx.Client, pair: dict[str, str]) -> bool:
    """Whether neither of its tokens works."""
    access = client.get(ME, headers={"Authorization": f"Bearer {pair['access']}"}).status_code
    return access == 401 and trade(client, pair["refresh"]).status_code == 401


def replay(first: Server, second: Server, *, restart: bool) -> bool:
    """R1→R2→R3 within a second over both processes, then R1 again. Whether R3 and its access token are dead."""
    one = signed_in(first.client)
    started = time.monotonic()
    two = trade(second.client, one["refresh"]).json()
    three = trade(first.client, two["refresh"]).json()
    took = time.monotonic() - started
    assert first.client.get(ME, headers={"Authorization": f"Bearer {three['access']}"}).status_code == 200
    if restart:
        for server in (first, second):
            server.kill()
        for server in (first, second):
            server.start()
    again = trade(second.client, one["refresh"])
    dead = all(is_dead(server.client, pair) for server in (first, second) for pair in (one, two, three))
    return took < 1 and again.status_code == 401 and dead


def at_once(first: Server, second: Server) -> tuple[int, int]:
    """20 calls use one token at once. Returns the number of pairs issued, and of pairs that still work."""
    one = signed_in(first.client)

    def come(number: int) -> httpx.Response:
        return trade((first, second)[number % 2].client, one["refresh"])

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(come, range(20)))
    assert {answer.status_code for answer in answers} <= {200, 401}
    pairs = [answer.json() for answer in answers if answer.status_code == 200]
    return len(pairs), sum(not is_dead(second.client, pair) for pair in pairs)


@contextlib.contextmanager
def running() -> Iterator[tuple[Server, Server]]:
    """Two servers on one database."""
    with servers.throwaway({}) as engines, tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            **engines.urls,
            "DJANGO_READ_DOT_ENV": "0",
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DATA_DIR": folder,
            "RATES_PUBLIC": "100000/minute",
        }
        prepare = [sys.executable, "manage.py", "prepare", "--demo"]
        subprocess.run(prepare, env=environment, check=True, stdout=subprocess.DEVNULL)
        pair = Server(environment, Path(folder) / "log"), Server(environment, Path(folder) / "log")
        try:
            yield pair
        finally:
            for server in pair:
                server.stop()


def main() -> int:
    """All scenarios in turn."""
    missed = 0

    def show(scenario: str, *, held: bool, came: str = "") -> None:
        nonlocal missed
        missed += not held
        print(f"{'ok  ' if held else 'MISS'} {scenario} {came}".rstrip(), flush=True)

    with running() as (first, second):
        show(
            "R1→R2→R3 within a second, then R1: all of it is dead", held=replay(first, second, restart=False)
        )
        show("the same with both processes killed in between", held=replay(first, second, restart=True))
        outcomes = [at_once(first, second) for _ in range(3)]
        show(
            "20 bring one token at once: at most one lineage lives",
            held=all(got <= 1 and alive <= 1 for got, alive in outcomes),
            came=f"(pairs handed out and alive afterwards: {outcomes})",
        )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
