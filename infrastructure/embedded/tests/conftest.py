"""A separate checkout for each test, deleted at its end, and a stack to run in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infrastructure.embedded import binaries, data_dirs, postgres, processes, state

STANDIN = Path(__file__).with_name("standin.py")


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, with a blank in its name, that the embedded servers take for their checkout."""
    path = tmp_path / "a checkout"
    path.mkdir()
    yield path
    if (path / ".data").exists():
        shutil.rmtree(data_dirs.persistent(path).path, ignore_errors=True)


@pytest.fixture(scope="session")
def made() -> Iterator[data_dirs.Home]:
    """A home with an initialized PostgreSQL, which takes half a second."""
    with data_dirs.throwaway() as home:
        server = postgres.Postgres(home, durable=False)
        server.create(home.server_folder("postgres"), binaries.postgres_programs(home))
        yield home


@pytest.fixture
def checkout(bare_checkout: Path, made: data_dirs.Home) -> Path:
    """A checkout that was run before: its database is there, and empty."""
    home = data_dirs.persistent(bare_checkout)
    subprocess.run(["cp", "-Rp", made.postgres, made.path / "credentials.json", home.path], check=True)
    return bare_checkout


def clean_environment(**more: str) -> dict[str, str]:
    """Ours without the servers of this test session."""
    hidden = ("DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "MAKELEVEL")
    return {name: value for name, value in os.environ.items() if name not in hidden} | more


def eventually(done: Callable[[], bool], patience: float = 10.0) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(0.02)
    return done()


def servers_of(home: Path) -> list[int]:
    """The live processes whose command line names a home."""
    found = subprocess.run(["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True)
    lines = [line.split(None, 1) for line in found.stdout.splitlines()]
    return [
        int(pid) for pid, *rest in lines if rest and str(home) in rest[0] and processes.is_alive(int(pid))
    ]


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    found = subprocess.run(["ps", "-eww", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = {int(one): int(two) for one, two in (line.split() for line in found.stdout.splitlines())}
    below, added = {pid}, True
    while added:
        more = {one for one, two in parents.items() if two in below} - below
        below |= more
        added = bool(more)
    return sorted(below - {pid})


class Run:
    """A supervisor in its own process, with its log in a file."""

    def __init__(self, checkout: Path, mode: str = "good", port: int = 0, **environment: str) -> None:
        self.checkout = checkout
        self.port = port or postgres.free_port()
        self.log = checkout / f"log-{self.port}-{time.monotonic_ns()}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(STANDIN), str(checkout), str(self.port), mode],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=clean_environment(PYTHONPATH=str(data_dirs.CHECKOUT), **environment),
            )

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def until(self, words: str) -> Run:
        found = eventually(lambda: words in self.text or self.process.poll() is not None, 30)
        assert found, self.text
        assert words in self.text, self.text
        return self

    def up(self) -> Run:
        return self.until("Ctrl-C stops everything")

    def get(self) -> dict[str, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
            content: dict[str, str] = json.load(answer)
        return content

    def running(self) -> state.Running:
        owner = state.Claim(self.checkout / ".data").owner()
        assert owner is not None
        return owner

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=30)


@pytest.fixture
def start(checkout: Path) -> Iterator[Callable[..., Run]]:
    """Starts supervisors, and makes sure that none outlives its test."""
    runs: list[Run] = []

    def begin(mode: str = "good", **options: str | int) -> Run:
        runs.append(Run(checkout, mode, **options))  # type: ignore[arg-type]
        return runs[-1]

    yield begin
    for run in runs:
        run.end(signal.SIGKILL)
