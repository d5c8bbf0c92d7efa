"""Fixtures that run servers and a Celery worker as processes, on the test's database. A `conftest.py` imports them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from django.db import connection

from apps.common.testing.waiting import wait_until
from config.env import BASE_DIR
from infrastructure.embedded.postgres import free_port

PASSWORD = "standing hills of the moor"


@dataclass(frozen=True)
class SignedInUser:
    id: str
    email: str
    access: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}


class Site:
    """One server process."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)
        self.sockets = f"ws://127.0.0.1:{port}"
        self.process = process

    def join(self, name: str) -> SignedInUser:
        """Register and sign in a new user."""
        email = f"{name}-{uuid4().hex[:8]}@example.com"
        account = self.http.post(
            "/api/public/v1/auth/register/", json={"email": email, "name": name.title(), "password": PASSWORD}
        )
        assert account.status_code == 201, account.text
        tokens = self.http.post("/api/public/v1/auth/login/", json={"email": email, "password": PASSWORD})
        assert tokens.status_code == 200, tokens.text
        return SignedInUser(id=account.json()["id"], email=email, access=tokens.json()["access"])


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def environment(transactional_db: None, tmp_path: Path) -> dict[str, str]:
    """The environment of a process on this test's database, with its mails in `tmp_path`."""
    database = connection.settings_dict
    user, password = quote(str(database["USER"]), safe=""), quote(str(database["PASSWORD"]), safe="")
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DJANGO_READ_DOT_ENV": "0",
        "DATABASE_URL": f"postgres://{user}:{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}",
        "DATA_DIR": str(tmp_path),
        "NO_COLOR": "1",
    }


@pytest.fixture
def serve(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[[], Site]]:
    """Starts a server process and waits until it answers."""
    sites: list[Site] = []

    def start() -> Site:
        port = free_port()
        with (tmp_path / f"server-{port}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "config.serve", "--port", str(port)],
                cwd=BASE_DIR,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        site = Site(port, process)
        sites.append(site)
        wait_until(lambda: answers(site), "the server answers", seconds=30)
        return site

    yield start
    for site in sites:
        site.http.close()
        stop(site.process)


def answers(site: Site, path: str = "/healthz") -> bool:
    assert site.process.poll() is None, "the server ended while it started"
    try:
        return site.http.get(path).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def worker(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker as `make run` starts it."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config",
        "worker",
        "--pool",
        "threads",
        "--concurrency",
        "2",
    ]
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle", "-n", f"{uuid4().hex}@test"],
            cwd=BASE_DIR,
            # Without coverage, for a faster start: the slices test what a worker runs.
            env={name: value for name, value in environment.items() if not name.startswith("COVERAGE_")},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    yield process
    stop(process)


def mails_to(folder: Path, address: str) -> list[str]:
    """The texts of all mails in the folder to this address."""
    mails = [path.read_text(encoding="utf-8") for path in sorted((folder / "mail").glob("*.log"))]
    return [mail for mail in mails if f"To: {address}" in mail]
