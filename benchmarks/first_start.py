"""The time of a first start, and the memory of the idle stack: `.venv/bin/python -m benchmarks.first_start`.

Clones this checkout's HEAD into an empty folder and runs `make run` there: with empty package caches, and again when
everything is installed. Prints the seconds to the first 200 of `/api/` and to the first acknowledged chat message, the
memory of each process once the stack is idle (PSS: shared pages are divided among their processes), and the
duration of Ctrl-C.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections import defaultdict
from pathlib import Path

import websockets

ROOT = Path(__file__).resolve().parent.parent
PORT = 8197
SITE = f"http://127.0.0.1:{PORT}"
PATIENCE = 300.0
IDLE_AFTER = 20.0


def request(path: str, body: dict[str, str] | None = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(SITE + path, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=10) as answer:
        read: bytes = answer.read()
        return read


async def acknowledged() -> None:
    """Sign in with a demo account and send a message; returns when the server has acknowledged it."""
    login = {"email": "grace@example.com", "password": "demo-password-2026"}
    access = json.loads(request("/api/public/v1/auth/login/", login))["access"]
    bearer = {"Authorization": f"Bearer {access}"}
    async with websockets.connect(f"ws://127.0.0.1:{PORT}/ws/chat/lobby/", additional_headers=bearer) as room:
        await room.send(json.dumps({"message": "first", "client_id": str(uuid.uuid4())}))
        while json.loads(await room.recv())["type"] != "ack":
            pass


def family(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def part_of(command: str) -> str:
    for word, part in (
        ("config.serve", "server"),
        ("celery --quiet --app config.celery beat", "beat"),
        ("celery --quiet --app config.celery worker", "worker"),
        ("infrastructure.embedded", "supervisor"),
        ("postgres", "PostgreSQL"),
        ("valkey", "Valkey"),
    ):
        if word in command:
            return part
    return "make"


def memory(root: int) -> dict[str, float]:
    """Megabytes of PSS by part."""
    parts: dict[str, float] = defaultdict(float)
    for pid in family(root):
        process = Path(f"/proc/{pid}")
        command = process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        rollup = process.joinpath("smaps_rollup").read_text().splitlines()
        parts[part_of(command)] += (
            next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) / 1024
        )
    return dict(parts)


def start(folder: Path, environment: dict[str, str], title: str, *, weigh: bool) -> None:
    begun = time.monotonic()
    log = folder.parent / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "-C", str(folder), "run", f"PORT={PORT}"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while True:
            if process.poll() is not None or time.monotonic() - begun > PATIENCE:
                sys.exit(log.read_text(errors="replace")[-3000:])
            try:
                request("/api/")
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        answered = time.monotonic() - begun
        asyncio.run(acknowledged())
        print(
            f"{title:<6} first 200 after {answered:5.1f} s, first acknowledged message after {time.monotonic() - begun:5.1f} s"
        )
        if weigh:
            time.sleep(IDLE_AFTER)
            parts = memory(process.pid)
            print("idle   " + ", ".join(f"{part} {size:.0f}" for part, size in sorted(parts.items())), end="")
            print(f"; together {sum(parts.values()):.0f} MB")
    finally:
        ended = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
    print(f"{title:<6} stopped {time.monotonic() - ended:.1f} s after Ctrl-C")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="first start ") as scratch:
        folder = Path(scratch) / "sarsen"
        begun = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        print(f"clone  {time.monotonic() - begun:.1f} s")
        caches = {"UV_CACHE_DIR": f"{scratch}/uv", "PIP_CACHE_DIR": f"{scratch}/pip"}
        names = (
            "DATABASE_URL",
            "REDIS_URL",
            "DJANGO_SETTINGS_MODULE",
            "VIRTUAL_ENV",
            "MAKEFLAGS",
            "MAKELEVEL",
        )
        environment = {name: value for name, value in os.environ.items() if name not in names} | caches
        start(folder, environment, "cold", weigh=False)
        start(folder, environment, "warm", weigh=True)


if __name__ == "__main__":
    main()
