"""What a client sees of a database that is locked, frozen, away or restarted, of both servers that answer HTTP.

Clients here wait for `PATIENCE`: longer than the bounds of 3 and 5 s by the delay of a loaded machine, and not as long
as anything would that has no bound.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest

from apps.common.testing.processes import Site
from apps.common.testing.waiting import wait_until
from config.env import BASE_DIR
from infrastructure.database.tests import private
from infrastructure.database.tests.private import PrivatePostgres
from infrastructure.embedded.postgres import free_port

pytestmark = pytest.mark.campaign

PATIENCE = 9.0
AT_ONCE = 12  # more than a process has threads
ME = "/api/private/v1/users/me/"
Ask = Callable[..., set[tuple[str, int, str | None]]]
COMMANDS = {
    "bridge": ["-m", "config.serve", "--port", "{port}"],
    "wsgi": ["-m", "gunicorn", "-b", "127.0.0.1:{port}", "--threads", "8", "config.wsgi:application"],
}


@pytest.fixture(scope="module")
def database() -> Iterator[PrivatePostgres]:
    with private.running() as server:
        yield server


@pytest.fixture(scope="module")
def sites(
    database: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Site, dict[str, str]]]]:
    """Each server with the headers of a signed-in user."""
    folder = tmp_path_factory.mktemp("faults")
    environment = {
        # Without coverage: the slices test this code.
        **{name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DJANGO_READ_DOT_ENV": "0",
        "DATABASE_URL": database.url,
        "DATA_DIR": str(folder),
        "NO_COLOR": "1",
    }
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=BASE_DIR, env=environment, check=True, timeout=120)
    with ExitStack() as stack:
        started = {name: _start(command, environment, folder, stack) for name, command in COMMANDS.items()}
        for site in started.values():
            wait_until(partial(_answers, site), "the server answers", seconds=30)
        yield {name: (site, site.join(name).headers) for name, site in started.items()}


def _start(command: list[str], environment: dict[str, str], folder: Path, stack: ExitStack) -> Site:
    port = free_port()
    log = stack.enter_context((folder / f"{port}.log").open("wb"))
    process = subprocess.Popen(
        [sys.executable, *(word.format(port=port) for word in command)],
        cwd=BASE_DIR,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    stack.callback(process.wait, 30)
    stack.callback(process.terminate)
    site = Site(port, process)
    site.http.timeout = httpx.Timeout(PATIENCE)
    stack.callback(site.http.close)
    return site


def _answers(site: Site) -> bool:
    assert site.process.poll() is None, "the server ended while it started"
    try:
        return site.http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def ask(sites: dict[str, tuple[Site, dict[str, str]]]) -> Iterator[Ask]:
    """Calls every server many times at once. Returns the faults of the answers."""

    def one(name: str, path: str) -> tuple[str, int, str | None]:
        site, headers = sites[name]
        answer = site.http.get(path, headers=headers)
        return name, answer.status_code, answer.headers.get("Retry-After")

    with ThreadPoolExecutor(len(sites) * AT_ONCE) as threads:

        def all_of(path: str, times: int = 1) -> set[tuple[str, int, str | None]]:
            return set(threads.map(one, [*sites] * times, [path] * len(sites) * times))

        assert all_of(ME, AT_ONCE) == _every(200)
        yield all_of
        wait_until(
            lambda: all_of("/readyz") == _every(200), "the servers have their database again", seconds=30
        )
        assert all_of(ME) == _every(200)


def _every(status: int, retry_after: str | None = None) -> set[tuple[str, int, str | None]]:
    return {(name, status, retry_after) for name in COMMANDS}


def test_a_locked_table_is_a_503(database: PrivatePostgres, ask: Ask) -> None:
    with database.connect() as session:
        session.execute("LOCK TABLE users_session IN ACCESS EXCLUSIVE MODE")
        assert ask(ME, AT_ONCE) == _every(503, "2")
        assert ask("/readyz") == _every(200)


def test_a_frozen_server_is_a_503(database: PrivatePostgres, ask: Ask) -> None:
    with database.frozen():
        assert ask(ME, AT_ONCE) == _every(503, "2")
        assert ask("/healthz") == _every(200)
        assert ask("/admin/login/") == _every(200)


def test_a_server_that_is_away_is_a_503(database: PrivatePostgres, ask: Ask) -> None:
    with database.away():
        assert ask(ME, AT_ONCE) == _every(503, "2")
        assert ask("/readyz") == _every(503, "5")


def test_a_restart_causes_no_503(database: PrivatePostgres, ask: Ask) -> None:
    with database.away():
        pass
    assert ask(ME, AT_ONCE) == _every(200)
