"""The figures of real servers, started as in production."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.common.tests.processes import Site, answers, environment, serve, stop, wait_until  # noqa: F401  (fixtures)
from config.env import BASE_DIR
from config.tests import fresh
from infrastructure.embedded.postgres import free_port
from infrastructure.product import PRODUCT

Gunicorn = Callable[..., Site]


@pytest.fixture
def gunicorn(environment: dict[str, str], tmp_path: Path) -> Iterator[Gunicorn]:  # noqa: F811
    """Starts gunicorn as compose does, with two workers."""
    running: list[Site] = []

    def start(*arguments: str) -> Site:
        port = free_port()
        command = ["-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "--bind", f"127.0.0.1:{port}"]
        with (tmp_path / f"gunicorn-{port}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command, *arguments, "config.wsgi:application"],
                cwd=BASE_DIR,
                env={
                    **{
                        name: value for name, value in environment.items() if not name.startswith("COVERAGE_")
                    },
                    **fresh.strong(),
                    "DJANGO_SETTINGS_MODULE": "config.settings.production",
                    "WEB_CONCURRENCY": "2",
                    "DATABASE_URL": environment["DATABASE_URL"],
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        site = Site(port, process)
        # A connection for each call, so that both workers get some.
        site.http.headers["Connection"] = "close"
        running.append(site)
        wait_until(lambda: answers(site, "/readyz"), "gunicorn answers")
        return site

    yield start
    for site in running:
        site.http.close()
        stop(site.process)


def calls(site: Site) -> float:
    """The number of calls of `/healthz` that `/metrics` states."""
    text = site.http.get("/metrics").text
    found = re.findall(
        rf'^{PRODUCT.identifier}_http_request_seconds_count{{[^}}]*"healthz"[^}}]*status="200"[^}}]*}} (\S+)$',
        text,
        re.MULTILINE,
    )
    assert len(found) <= 1, "the figures of one operation are one series"
    return float(found[0]) if found else 0.0


def pids(process: subprocess.Popen[bytes]) -> set[str]:
    return set(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())


def test_two_workers_add_up_at_each_scrape(gunicorn: Gunicorn) -> None:
    site = gunicorn()
    for _ in range(400):
        assert site.http.get("/healthz").status_code == 200
    assert [calls(site) for _ in range(6)] == [400.0] * 6


def test_recycled_workers_keep_their_figures_in_as_many_files(gunicorn: Gunicorn) -> None:
    site = gunicorn("--max-requests", "60", "--max-requests-jitter", "0")
    before = pids(site.process)
    for made in range(1, 401):
        assert site.http.get("/healthz").status_code == 200
        if made % 50 == 0:
            assert calls(site) == made
    wait_until(lambda: len(pids(site.process)) == 2, "two workers run")
    assert not before & pids(site.process)
    assert [calls(site) for _ in range(6)] == [400.0] * 6
    [folder] = folders(site.process)
    assert {path.stem.rpartition("_")[2] for path in folder.glob("*.db")} == {"main", "0", "1"}


def test_a_killed_worker_keeps_its_counts(gunicorn: Gunicorn) -> None:
    site = gunicorn()
    for _ in range(50):
        site.http.get("/healthz")
    before = pids(site.process)
    for pid in before:
        subprocess.run(["kill", "-KILL", pid], check=True)
    wait_until(
        lambda: len(pids(site.process) - before) == 2,
        "two other workers run",
    )
    assert [calls(site) for _ in range(6)] == [50.0] * 6


def test_a_start_removes_what_a_killed_server_left_and_nothing_else(gunicorn: Gunicorn) -> None:
    first, second = gunicorn(), gunicorn()
    [left], [used] = folders(first.process), folders(second.process)
    for pid in (str(first.process.pid), *pids(first.process)):
        subprocess.run(["kill", "-KILL", pid], check=True)
    first.process.wait()
    assert left.is_dir()
    third = gunicorn()
    assert not left.exists()
    second.http.get("/healthz")
    assert (calls(second), calls(third)) == (1.0, 0.0)
    second.process.send_signal(signal.SIGTERM)
    second.process.wait(timeout=30)
    assert not used.exists()


def folders(process: subprocess.Popen[bytes]) -> set[Path]:
    """The folders of metrics that a process holds open."""
    return {
        target
        for link in Path(f"/proc/{process.pid}/fd").iterdir()
        if "-metrics-" in (target := link.readlink()).name
    }


def test_the_server_of_sockets_is_one_process(serve: Callable[[], Site]) -> None:  # noqa: F811
    site = serve()
    for _ in range(20):
        site.http.get("/healthz")
    # The start made calls, too.
    counts = [calls(site) for _ in range(6)]
    assert counts[0] >= 20
    assert counts == [counts[0]] * 6
    assert folders(site.process) == set()
