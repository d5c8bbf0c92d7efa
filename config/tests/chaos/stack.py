"""The product on servers of its own, in two processes of each kind, which faults may do anything to."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import httpx
import psycopg
import redis

from config.tests.chaos.mail_server import MailServer
from infrastructure.database.tests.private import PrivatePostgres
from infrastructure.embedded import children, data_dirs, processes, servers
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.valkey import Valkey

ROOT: Final = Path(__file__).resolve().parents[3]
KINDS: Final = ("server", "worker", "beat")
START: Final = 60.0  # seconds that a process may take to start


class Stack:
    """Servers, mail server, and the processes `server-1`, `server-2`, `worker-1` … `beat-2`."""

    def __init__(self, engines: servers.Servers, folder: Path) -> None:
        self.engines, self.folder = engines, folder
        self.mail = MailServer()
        self.ports = _free_ports(2)
        postgres, self.valkey = engines.members["DATABASE_URL"], engines.members["REDIS_URL"]
        assert isinstance(postgres, Postgres) and isinstance(self.valkey, Valkey)
        self.postgres = PrivatePostgres(postgres)
        self._postgres = postgres
        self.environment = {
            **os.environ,
            **children.ALLOCATOR,
            **engines.urls,
            "DJANGO_SETTINGS_MODULE": children.SETTINGS,
            "DJANGO_READ_DOT_ENV": "0",
            "DATA_DIR": str(folder / "data"),
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail.port}?timeout=2",
            "TRUSTED_PROXY_COUNT": "1",
            "JWT_KEYS": f"chaos:{secrets.token_hex(32)}",
            "ACCESS_TOKEN_SECONDS": "86400",
            "CHAT_FRAMES_PER_SECOND": "1000",
            "NO_COLOR": "1",
            **dict.fromkeys(("RATES_PUBLIC", "RATES_PRIVATE"), "1000000/minute"),
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start_all(self) -> None:
        """Migrate, start every process, and wait until the servers answer."""
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=self.environment, check=True, timeout=180)
        for kind in KINDS:
            for number in (1, 2):
                self.start(f"{kind}-{number}")
        for number in (1, 2):
            self.await_server(number)

    def start(self, name: str) -> None:
        """Start one of the processes as `make run` does. Its log is passed on, so that no limit of files meets it."""
        kind, _, number = name.partition("-")
        table = children.development(
            host="127.0.0.1", port=self.ports[int(number) - 1], summary=self.folder / "none"
        )
        command = next(child.command for child in table.children if child.name == kind)
        if kind == "worker":
            command = (*command, "--hostname", f"{name}@chaos")
        process = processes.spawn(
            command, cwd=ROOT, env=self.environment, death=signal.SIGKILL, output=subprocess.PIPE
        )
        assert process.stdout is not None
        log = (self.folder / f"{name}.log").open("ab")
        threading.Thread(target=_copy, args=(process.stdout, log), daemon=True).start()
        self.running[name] = process

    def await_server(self, number: int) -> None:
        """Wait until a server answers. Raises SystemExit with the end of its log."""
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://{self.addresses[number - 1]}/readyz", trust_env=False).is_success:
                    return
            time.sleep(0.1)
        raise SystemExit(f"server-{number} does not answer\n{self._log_of(f'server-{number}')}")

    def check(self) -> None:
        """Raise SystemExit when a process has ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise SystemExit(f"{name} has ended by itself\n{self._log_of(name)}")

    def _log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    @property
    def addresses(self) -> list[str]:
        """Where the servers answer."""
        return [f"127.0.0.1:{port}" for port in self.ports]

    @contextlib.contextmanager
    def killed(self, *names: str) -> Iterator[None]:
        """Kill processes (SIGKILL), and start them again."""
        self.check()
        for name in names:
            processes.sweep(self.running[name])
        try:
            yield
        finally:
            for name in names:
                self.start(name)

    @contextlib.contextmanager
    def stopped(self, *names: str) -> Iterator[None]:
        """Stop processes in their tracks (SIGSTOP) for a while."""
        for name in names:
            self.running[name].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                self.running[name].send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def engine_killed(self, name: str) -> Iterator[None]:
        """Kill a server (SIGKILL; PostgreSQL by its immediate shutdown), and start it again on the same port."""
        engine = self.engines.members[name]
        assert engine.process is not None
        engine.process.send_signal(signal.SIGQUIT if name == "DATABASE_URL" else signal.SIGKILL)
        processes.wait(engine.process, 20)
        processes.sweep(engine.process)
        try:
            yield
        finally:
            before = engine.port
            with self.engines.log.open("ab") as log:
                engine.begin(log)
            while not engine.is_ready():
                time.sleep(0.02)
            assert engine.port == before, "another process took the port"

    @contextlib.contextmanager
    def valkey_frozen(self) -> Iterator[None]:
        """Stop Valkey in its tracks for a while: its connections are half open."""
        assert self.valkey.process is not None
        self.valkey.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.valkey.process.send_signal(signal.SIGCONT)

    def redis(self) -> redis.Redis:
        """A client of Valkey."""
        return redis.Redis.from_url(self.engines.urls["REDIS_URL"])

    def query(self, sql: str, *values: Any) -> list[Any]:
        """Rows of the database."""
        with psycopg.connect(self.engines.urls["DATABASE_URL"]) as connection:
            return connection.execute(sql, values).fetchall()

    def stop_all(self) -> None:
        """End every process, then the mail server."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            processes.wait(process, 10)
            processes.sweep(process)
        self.mail.stop()


@contextlib.contextmanager
def running() -> Iterator[Stack]:
    """A stack for one campaign, gone at its end. The servers are durable: what they acknowledge is on disk."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        with (
            data_dirs.throwaway() as home,
            servers.Servers(home, durable=True, given={}) as engines,
        ):
            stack = Stack(engines, folder)
            try:
                stack.start_all()
                yield stack
            finally:
                stack.stop_all()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    """Ports that differ: all are held at once."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    with source, target:
        while block := source.read1(65536):  # type: ignore[attr-defined]  # a pipe is buffered
            target.write(block)
            target.flush()
