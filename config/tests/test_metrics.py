"""The figures of real servers, started as in production."""

from __future__ import annotations

import platform
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.api.zones.mounting import mounted
from apps.common.models import DeadTask, OutboxEvent
from apps.common.tasks.backlog import Backlog
from apps.common.testing.processes import Site, answers, environment, serve, stop  # noqa: F401  (fixtures)
from apps.common.testing.waiting import wait_until
from config.celery import app
from config.env import BASE_DIR
from config.tests import fresh
from infrastructure.embedded.postgres import free_port
from infrastructure.product import PRODUCT
from infrastructure.telemetry import metrics


def production(environment: dict[str, str]) -> dict[str, str]:  # noqa: F811
    """The environment of a production process on the test's servers."""
    kept = {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
    return {**kept, **fresh.strong(), "DJANGO_SETTINGS_MODULE": "config.settings.production"}


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
                env={**production(environment), "WEB_CONCURRENCY": "2"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        site = Site(port, process)
        # A connection for each call, so that both workers get some.
        site.http.headers["Connection"] = "close"
        running.append(site)
        wait_until(lambda: answers(site, "/readyz"), "gunicorn answers", seconds=30)
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
    wait_until(lambda: len(pids(site.process)) == 2, "two workers run", seconds=30)
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
    wait_until(lambda: len(pids(site.process) - before) == 2, "two other workers run", seconds=30)
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


@pytest.fixture
def celery(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Site]]:  # noqa: F811
    """Starts a worker or beat as compose does. Only its metrics answer."""
    running: list[Site] = []

    def start(*arguments: str, **variables: str) -> Site:
        port = free_port()
        with (tmp_path / f"{arguments[0]}-{port}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "--app=config", "--quiet", *arguments],
                cwd=BASE_DIR,
                env={**production(environment), "METRICS_PORT": str(port), **variables},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        site = Site(port, process)
        running.append(site)
        wait_until(lambda: answers(site, "/metrics"), "the metrics answer", seconds=30)
        return site

    yield start
    for site in running:
        site.http.close()
        stop(site.process)


WORKER = (
    "worker",
    "--pool=prefork",
    "--concurrency=2",
    "--max-tasks-per-child=5",
    "--without-gossip",
    "--without-mingle",
)
BEAT = ("beat", "--pidfile=")
TASK = "apps.common.tasks.prune"


def value(site: Site, series: str) -> float | None:
    """The value of a series, written with the product's prefix left out; None when it is not served."""
    for line in site.http.get("/metrics").text.splitlines():
        if line.startswith(f"{PRODUCT.identifier}_{series} "):
            return float(line.rpartition(" ")[2])
    return None


def test_the_processes_of_a_worker_add_up(celery: Callable[..., Site]) -> None:
    site = celery(*WORKER, RELEASE="7.1", COMMIT="0123abcd")
    for _ in range(40):
        app.send_task(TASK)
    done = f'task_seconds_count{{outcome="success",task="{TASK}"}}'
    wait_until(lambda: (value(site, done) or 0) >= 40, "all tasks have run", seconds=30)
    assert [value(site, done) for _ in range(6)] == [40.0] * 6
    assert value(site, "database_pool_in_use") == 0.0
    assert (
        value(site, f'build_info{{commit="0123abcd",python="{platform.python_version()}",version="7.1"}}')
        == 1.0
    )
    [folder] = folders(site.process)
    assert {path.stem.rpartition("_")[2] for path in folder.glob("*.db")} == {"main", "0", "1"}


def test_beat_states_what_waits(celery: Callable[..., Site]) -> None:
    old = timezone.now() - timedelta(seconds=500)
    OutboxEvent.objects.create(name="x", created_at=old, due_at=timezone.now() + timedelta(hours=1))
    OutboxEvent.objects.create(name="x", asked_at=old, due_at=timezone.now() + timedelta(hours=1))
    OutboxEvent.objects.create(name="x", dead_at=old)
    OutboxEvent.objects.create(name="x", done_at=timezone.now())
    DeadTask.objects.create(task_id="1", name="x", error="")
    DeadTask.objects.create(task_id="2", name="x", error="", replayed_at=old)
    leader = celery(*BEAT)
    wait_until(lambda: value(leader, "beat_leader") == 1, "it leads", seconds=30)
    other = celery(*BEAT)
    for site in (leader, other):
        assert [
            value(site, f'outbox_depth{{state="{state}"}}') for state in ("pending", "awaited", "dead")
        ] == [1, 1, 1]
        assert 500 <= (value(site, "outbox_oldest_seconds") or 0) < 600
        assert value(site, "dead_tasks") == 1
        assert value(site, 'source_up{source="database"}') == 1
        assert value(site, 'source_up{source="broker"}') == 1
    assert (value(leader, "beat_leader"), value(other, "beat_leader")) == (1, 0)


def test_the_length_of_a_queue_covers_all_priorities(transactional_db: None) -> None:
    def measure() -> dict[tuple[str, ...], float]:
        return {
            (sample.name.removeprefix(f"{PRODUCT.identifier}_"), *sample.labels.values()): sample.value
            for family in Backlog().collect()
            for sample in family.samples
        }

    with app.connection_for_write() as broker:
        broker.default_channel._purge("default")  # type: ignore[attr-defined]
    for priority in (0, 3, 9):
        app.send_task("test.nothing", priority=priority)
    assert measure()["queue_length", "default"] == 3
    with app.connection_for_write() as broker:
        broker.default_channel._purge("default")  # type: ignore[attr-defined]
    assert measure()["queue_length", "default"] == 0


@pytest.mark.parametrize(
    ("away", "source", "silent", "still"),
    [
        (
            "DATABASE_URL",
            "database",
            ["outbox_oldest_seconds", "dead_tasks", 'outbox_depth{state="dead"}'],
            "tasks_unacknowledged",
        ),
        ("REDIS_URL", "broker", ["tasks_unacknowledged", 'queue_length{queue="default"}'], "dead_tasks"),
    ],
)
def test_a_source_that_is_away_gives_no_figures(
    celery: Callable[..., Site], away: str, source: str, silent: list[str], still: str
) -> None:
    nobody = {"DATABASE_URL": "postgres://u:p@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}[away]
    site = celery(*BEAT, **{away: nobody})
    assert value(site, f'source_up{{source="{source}"}}') == 0
    assert [value(site, series) for series in silent] == [None] * len(silent)
    assert value(site, still) is not None


def test_the_server_of_sockets_is_one_process(serve: Callable[[], Site]) -> None:  # noqa: F811
    site = serve()
    for _ in range(20):
        site.http.get("/healthz")
    # The start made calls, too.
    counts = [calls(site) for _ in range(6)]
    assert counts[0] >= 20
    assert counts == [counts[0]] * 6
    assert folders(site.process) == set()


def operations() -> set[str]:
    return {sample.labels["operation"] for family in metrics.REQUESTS.collect() for sample in family.samples}


def test_requests_are_counted_by_operation_and_unknown_paths_as_one(client: Client, db: None) -> None:
    declared = [
        (endpoint.path, method, operation.id)
        for endpoint in mounted().endpoints
        for method in endpoint.methods
        if (operation := getattr(getattr(vars(endpoint.callback)["cls"], method.lower()), "operation", None))
    ]
    metrics.REQUESTS.clear()
    metrics._request_child.cache_clear()
    for path, method, _ in declared:
        concrete = re.sub("<[^>]*>", str(uuid4()), re.sub("<int:[^>]*>", "1", path))
        assert client.generic(method, concrete).status_code < 500
    assert operations() == {name for *_, name in declared}
    for number in range(30):
        for path in (
            f"/{number}/",
            f"/api/{number}/",
            f"/api/private/v1/{number}/",
            f"/ws/{number}",
            f"/admin/{number}/",
        ):
            client.get(path)
    assert operations() == {"unknown", *(name for *_, name in declared)}
