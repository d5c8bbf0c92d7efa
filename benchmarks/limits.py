"""Attacks the limits of sign-in and of bearer tokens, over several processes: `python -m benchmarks.limits`.

Starts its own PostgreSQL, Valkey and three servers: two that trust no proxy, one that trusts one. Each line of the
output is an attack, its result and the bar; the exit code is 1 when a bar is missed. At the end Valkey is killed.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import redis

from infrastructure.embedded import postgres, servers

LOGIN = "/api/public/v1/auth/login/"
ME = "/api/private/v1/users/me/"
WRONG = {"email": "grace@example.com", "password": "wrong and wrong"}
RIGHT = {"email": "linus@example.com", "password": "demo-password-2026"}
# apps.users.settings: attempts at an account from one address, and from all of them.
PAIR, ACCOUNT, ADDRESS, REFUSED = 10, 20, 60, 600
# Headers by which a client may claim an address; none of them is trusted.
CLAIMS: tuple[Callable[[int], list[tuple[str, str]]], ...] = (
    lambda n: [("X-Forwarded-For", f"203.0.113.{n}")],
    lambda n: [("X-Forwarded-For", f"2001:db8:{n}::1")],
    lambda n: [("X-Forwarded-For", f"203.0.113.{n}, 198.51.100.{n}")],
    lambda n: [("X-Forwarded-For", f"203.0.113.{n}"), ("X-Forwarded-For", f"198.51.100.{n}")],
    lambda n: [("X_Forwarded_For", f"203.0.113.{n}")],
    lambda n: [("X-Forwarded-For", f"garbage-{n}\t,,{n}")],
    lambda n: [("Forwarded", f"for=203.0.113.{n};proto=https;by=10.0.0.{n}")],
    lambda n: [("Forwarded", f'for="[2001:db8:{n}::1]:4711"')],
    lambda n: [("X-Real-IP", f"203.0.113.{n}"), ("True-Client-IP", f"203.0.113.{n}")],
    lambda n: [("CF-Connecting-IP", f"203.0.113.{n}"), ("X-Client-IP", f"203.0.113.{n}")],
    lambda n: [("X-Forwarded-Host", f"h{n}.example.com"), ("Via", f"1.1 p{n}")],
)


def statuses(calls: Iterable[Callable[[], httpx.Response]], *, at_once: int) -> list[int]:
    """The status of each call, in the order of the calls."""
    with ThreadPoolExecutor(at_once) as pool:
        return [future.result().status_code for future in [pool.submit(call) for call in calls]]


class Stack:
    """The servers, and the number of missed bars."""

    def __init__(self, plain: list[httpx.Client], proxied: httpx.Client, valkey: redis.Redis) -> None:
        self.plain = plain
        self.proxied = proxied
        self.valkey = valkey
        self.missed = 0

    def show(
        self, attack: str, found: list[int], *, evaluated: int | None = None, bar: str, held: bool
    ) -> None:
        """One line."""
        counts = " ".join(f"{status}×{count}" for status, count in sorted(Counter(found).items()))
        told = "" if evaluated is None else f"{evaluated} evaluated, "
        print(f"{'ok  ' if held else 'MISS'} {attack:64} {told}{counts}   (bar: {bar})", flush=True)
        self.missed += not held
        self.valkey.flushdb()

    def parallel_logins(self) -> None:
        """100 wrong passwords at once."""
        calls = [lambda n=n: self.plain[n % 2].post(LOGIN, json=WRONG) for n in range(100)]
        found = statuses(calls, at_once=100)
        hit = found.count(401)
        self.show(
            "100 wrong logins at once, one address, two processes", found, evaluated=hit,
            bar=f"{PAIR}", held=hit == PAIR and set(found) == {401, 429},
        )  # fmt: skip
        calls = [
            lambda n=n: self.proxied.post(LOGIN, json=WRONG, headers={"X-Forwarded-For": f"203.0.113.{n}"})
            for n in range(100)
        ]
        found = statuses(calls, at_once=100)
        hit = found.count(401)
        self.show(
            "100 wrong logins at once at one account, 100 addresses", found, evaluated=hit,
            bar=f"{ACCOUNT}", held=hit == ACCOUNT and set(found) == {401, 429},
        )  # fmt: skip
        calls = [
            lambda n=n: self.proxied.post(
                LOGIN, json={**WRONG, "email": f"p{n}@example.com"},
                headers={"X-Forwarded-For": f"2001:db8:1:2::{n}"},
            )
            for n in range(100)
        ]  # fmt: skip
        found = statuses(calls, at_once=50)
        hit = found.count(401)
        self.show(
            "100 wrong logins at 100 accounts, from one IPv6 /64", found, evaluated=hit,
            bar=f"{ADDRESS}", held=hit == ADDRESS,
        )  # fmt: skip

    def garbage_tokens(self) -> None:
        """2,000 invalid tokens."""
        shapes = ("x{0}", "eyJhbGciOiJub25lIn0.e30.{0}", "a.b.{0}", "{0}" * 50)
        calls = [
            lambda n=n: self.plain[n % 2].get(
                ME, headers={"Authorization": f"Bearer {shapes[n % 4].format(n)}"}
            )
            for n in range(2_000)
        ]
        found = statuses(calls, at_once=10)
        self.show(
            "2,000 garbage bearer tokens over two processes", found,
            bar=f"429 after {REFUSED}", held=found.count(401) == REFUSED and found.count(429) == 2_000 - REFUSED,
        )  # fmt: skip
        answer = self.plain[0].post(LOGIN, json=RIGHT)
        self.show(
            "… and the right password from the same address", [answer.status_code], bar="200",
            held=answer.status_code == 200,
        )  # fmt: skip

    def claims(self) -> None:
        """Every way to claim another address, a different one each time."""
        for name, client in (("no proxy trusted", self.plain[0]), ("one proxy trusted", self.proxied)):
            kept = []
            for claim in CLAIMS:
                for number in range(1, 13):
                    claimed = claim(number)
                    if client is self.proxied:
                        # The proxy appends its entry last.
                        claimed.append(("X-Forwarded-For", "192.0.2.77"))
                    kept.append(client.post(LOGIN, json=WRONG, headers=claimed).status_code)
                self.valkey.flushdb()
            hit = kept.count(401)
            self.show(
                f"{len(kept)} logins under {len(CLAIMS)} rotating headers, {name}", kept, evaluated=hit,
                bar=f"{PAIR} for each header", held=hit == PAIR * len(CLAIMS),
            )  # fmt: skip

    def without_redis(self, stop: Callable[[], None]) -> None:
        """The same without Redis, where each process counts alone."""
        stop()
        with contextlib.suppress(redis.RedisError):
            self.valkey.ping()
        calls = [lambda n=n: self.plain[n % 2].post(LOGIN, json=WRONG) for n in range(100)]
        found = statuses(calls, at_once=100)
        hit = found.count(401)
        answer = self.plain[0].post(LOGIN, json=RIGHT)
        self.valkey = _Nothing()  # type: ignore[assignment]
        self.show(
            "Valkey killed: 100 wrong logins at once, two processes", found, evaluated=hit,
            bar=f"{2 * PAIR}", held=hit == 2 * PAIR and set(found) == {401, 429},
        )  # fmt: skip
        self.show(
            "… and the right password for another account", [answer.status_code], bar="200",
            held=answer.status_code == 200,
        )  # fmt: skip


class _Nothing:
    def flushdb(self) -> None:
        """There is nothing to empty."""


@contextlib.contextmanager
def running(folder: Path, engines: servers.Servers) -> Iterator[list[httpx.Client]]:
    """Three servers; the last trusts one proxy."""
    environment = {
        **os.environ,
        **engines.urls,
        "DJANGO_READ_DOT_ENV": "0",
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DATA_DIR": str(folder),
        "RATES_PUBLIC": "100000/minute",
    }
    prepare = [sys.executable, "manage.py", "prepare", "--demo"]
    subprocess.run(prepare, env=environment, check=True, stdout=subprocess.DEVNULL)
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("wb"))
        clients = []
        for proxies in ("0", "0", "1"):
            port = postgres.free_port()
            process = subprocess.Popen(
                [sys.executable, "-m", "config.serve", "--port", str(port)],
                env={**environment, "TRUSTED_PROXY_COUNT": proxies}, stdout=log, stderr=log,
            )  # fmt: skip
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
            limits = httpx.Limits(max_connections=100)
            client = httpx.Client(
                base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits, trust_env=False
            )
            clients.append(stack.enter_context(client))
        for client in clients:
            until = time.monotonic() + 60
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/readyz").is_success:
                        break
                if time.monotonic() > until:
                    raise SystemExit((folder / "log").read_text()[-3000:])
                time.sleep(0.2)
        yield clients


def main() -> int:
    """Run all attacks."""
    with servers.throwaway({}) as engines, tempfile.TemporaryDirectory() as folder:
        with running(Path(folder), engines) as clients:
            stack = Stack(clients[:2], clients[2], redis.Redis.from_url(engines.urls["REDIS_URL"]))
            stack.parallel_logins()
            stack.garbage_tokens()
            stack.claims()
            stack.without_redis(engines.members["REDIS_URL"].stop)
        print(f"{stack.missed} bars missed.")
    return 1 if stack.missed else 0


if __name__ == "__main__":
    sys.exit(main())
