"""CPU time of REST requests in one process: `python -m benchmarks.rest [CHECKOUT [ROUTE ...]]`.

Calls the WSGI application of production settings (log, metrics, limits and headers on) in process, on a throwaway
PostgreSQL and Valkey, and prints the CPU time of one request of each route, its statements, its round trips to Redis, and
the bytes of its answer. With the path of another checkout, both run in turns, and their ratio is printed.

CPU time includes all threads of the process, and neither the HTTP server nor PostgreSQL and Valkey.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

ROUNDS, CALLS, USERS, MESSAGES = 15, 30, 1_000, 60
HERE: Final = Path(__file__).resolve().parents[1]
ROOM: Final = "/api/private/v1/chat/rooms/benchmark/messages/"
ROUTES: Final[dict[str, tuple[str, str]]] = {
    "health": ("GET", "/healthz"),
    "me": ("GET", "/api/private/v1/users/me/"),
    "admin list of 20": ("GET", "/api/admin/v1/users/"),
    "messages, 20": ("GET", ROOM),
    "create a message": ("POST", ROOM),
    "create with a key": ("POST", ROOM),
}


class Side:
    """One checkout in its own process, which measures the requests of its standard input."""

    def __init__(self, checkout: Path, environment: dict[str, str]) -> None:
        # -P: this file's folder is not among the modules.
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, "--measure"],
            cwd=checkout,
            env={**environment, "PYTHONPATH": str(checkout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, route: str, calls: int) -> dict[str, float]:
        """Raises RuntimeError when the process has ended."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps([route, calls]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"The measured process ended with {self._process.wait()}.")
        found: dict[str, float] = json.loads(answer)
        return found

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def compare(sides: list[Side], routes: list[str]) -> None:
    """Measures routes in turns, and prints a table."""
    print(f"{'µs of CPU':<20}{'here':>8}{'there':>8}{'ratio':>8}{'statements':>12}{'Redis':>7}{'bytes':>8}")
    for route in routes:
        took: list[list[float]] = [[] for _ in sides]
        for number in range(ROUNDS + 3):
            for index, side in enumerate(sides):
                found = side.ask(route, CALLS)
                if number >= 3:  # before, it warms up
                    took[index].append(found["cpu"])
        counts = sides[0].ask(route, 1)
        here, *there = (statistics.median(rounds) for rounds in took)
        other = f"{there[0]:>8.0f}{there[0] / here:>8.2f}" if there else " " * 16
        numbers = f"{counts['statements']:>12.0f}{counts['redis']:>7.0f}{counts['bytes']:>8.0f}"
        print(f"{route:<20}{here:>8.0f}{other}{numbers}", flush=True)


def measure() -> None:
    """Answers the questions of `Side.ask`."""
    from config.wsgi import application

    tokens = _prepare()
    counts = _count_calls()
    for line in sys.stdin:
        route, calls = json.loads(line)
        environs = [_environ(route, tokens) for _ in range(calls)]
        counts.update(statements=0, redis=0)
        started = time.process_time()
        for environ in environs:
            body = _call(application, environ)
        cpu = (time.process_time() - started) / calls * 1e6
        print(json.dumps({"cpu": cpu, "bytes": len(body), **counts}), flush=True)


def _prepare() -> dict[str, str]:
    """Makes the accounts and the room once, and returns access tokens by the beginning of a path."""
    from apps.chat import services
    from apps.chat.models import Role, Room
    from apps.chat.tests.factories import MembershipFactory, RoomFactory
    from apps.chat.types import Draft
    from apps.common.testing.users import access_token_for
    from apps.users.models import User

    def account(number: int, role: str = "user") -> User:
        address = f"{role}{number}@example.com"
        return User(email=address, name=f"Name {number}", role=role, password="!")

    if not User.objects.exists():
        User.objects.bulk_create([account(number) for number in range(USERS)])
        User.objects.bulk_create([account(number, "admin") for number in range(2)])
    user, admin = User.objects.get(email="user1@example.com"), User.objects.get(email="admin1@example.com")
    if not Room.objects.exists():
        room = RoomFactory.create(slug="benchmark")
        MembershipFactory.create(room=room, user=user, role=Role.OWNER)
        for number in range(MESSAGES):
            draft = Draft(sender_id=user.pk, text=f"Message {number} of a conversation")
            services.post_messages(room_id=room.pk, drafts=[draft])
    return {"/api/private/": access_token_for(user), "/api/admin/": access_token_for(admin)}


def _count_calls() -> dict[str, float]:
    """Counts statements and round trips to Redis from now on."""
    from django.db.backends.utils import CursorWrapper
    from redis.asyncio.connection import AbstractConnection as AsyncConnection
    from redis.connection import AbstractConnection

    counts: dict[str, float] = {"statements": 0, "redis": 0}

    def counting(name: str, owner: Any, method: str) -> None:
        original = getattr(owner, method)

        def counted(*arguments: Any, **named: Any) -> Any:
            counts[name] += 1
            return original(*arguments, **named)

        setattr(owner, method, counted)

    counting("statements", CursorWrapper, "execute")
    counting("redis", AbstractConnection, "send_packed_command")
    counting("redis", AsyncConnection, "send_packed_command")
    return counts


def _environ(route: str, tokens: dict[str, str]) -> dict[str, Any]:
    method, path = ROUTES[route]
    body = b""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "site.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "site.example",
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "benchmark",
        "HTTP_X_FORWARDED_PROTO": "https",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
    }
    for prefix, token in tokens.items():
        if path.startswith(prefix):
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    if method == "POST":
        body = json.dumps({"message": "A message of some words", "client_id": str(uuid4())}).encode()
        environ |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    if route == "create with a key":
        environ["HTTP_IDEMPOTENCY_KEY"] = str(uuid4())
    environ["wsgi.input"] = io.BytesIO(body)
    return environ


def _call(application: Callable[..., Any], environ: dict[str, Any]) -> bytes:
    """The body of an answer. Raises RuntimeError for another status than 2xx."""
    statuses: list[str] = []
    response = application(environ, lambda status, *_: statuses.append(status))
    body = b"".join(response)
    response.close()
    if not statuses[0].startswith("2"):
        raise RuntimeError(f"{environ['PATH_INFO']}: {statuses[0]} {body!r}")
    return body


def main() -> int:
    """Starts the servers and the sides."""
    from infrastructure.embedded import servers
    from scripts.check import production_environment

    checkouts = [HERE, *(Path(given).resolve() for given in sys.argv[1:2])]
    with servers.throwaway({}) as engines, tempfile.TemporaryDirectory() as data:
        environment = {
            **os.environ,
            **production_environment(),
            **engines.urls,
            "DJANGO_READ_DOT_ENV": "0",
            "DATA_DIR": data,
            **{f"RATES_{zone}": "100000000/minute" for zone in ("PUBLIC", "PRIVATE", "ADMIN")},
            "ADMIN_SECOND_FACTOR": "false",
        }
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, env=environment, check=True, cwd=HERE)
        sides: list[Side] = []
        try:
            for checkout in checkouts:
                sides.append(Side(checkout, environment))
                sides[-1].ask("health", 1)
            compare(sides, sys.argv[2:] or [*ROUTES])
        finally:
            for side in sides:
                side.stop()
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--measure"]:
        measure()
    else:
        sys.exit(main())
