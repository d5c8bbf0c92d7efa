"""Every line that a process of production writes is one JSON object."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from apps.common.testing.processes import Site, answers, environment  # noqa: F401  (a fixture)
from apps.common.testing.waiting import wait_until
from apps.users.models import User
from config.celery import app
from config.env import BASE_DIR
from config.tests.test_metrics import production
from deploy import logs
from infrastructure.embedded.postgres import free_port
from infrastructure.product import PRODUCT


class Output:
    """A process of production, with its standard output and error in one file."""

    def __init__(self, command: list[str], environment: dict[str, str], path: Path) -> None:  # noqa: F811
        self.path = path
        with path.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=BASE_DIR,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()

    def says(self, *words: str) -> bool:
        return any(all(word in line for word in words) for line in self.lines())

    def end(self, kind: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(kind)
        return self.process.wait(timeout=40)

    def events(self) -> list[dict[str, object]]:
        """All of it. Fails with the lines that are no object with the fields of every line."""
        parsed, foreign = [], []
        for line in self.lines():
            try:
                event = json.loads(line)
                assert {"timestamp", "level", "logger", "event"} <= set(event)
                parsed.append(event)
            except (ValueError, TypeError, AssertionError):
                foreign.append(line)
        assert foreign == []
        return parsed


Start = Callable[..., Output]


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:  # noqa: F811
    running: list[Output] = []

    def run(*command: str, **variables: str) -> Output:
        output = Output(
            list(command), {**production(environment), **variables}, tmp_path / f"{len(running)}.log"
        )
        running.append(output)
        return output

    yield run
    for output in running:
        if output.process.poll() is None:
            output.process.kill()
            output.process.wait()


CELERY = ("-m", "celery", "--app=config", "--quiet")
WORKER = (
    *CELERY,
    "worker",
    "--pool=prefork",
    "--concurrency=1",
    "--without-gossip",
    "--without-mingle",
    "--loglevel=INFO",
)


def gunicorn(start: Start, **variables: str) -> tuple[Output, int]:
    port = free_port()
    command = ("-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "--bind", f"127.0.0.1:{port}")
    return start(*command, "config.wsgi:application", WEB_CONCURRENCY="1", **variables), port


def channels(start: Start, **variables: str) -> tuple[Output, int]:
    port = free_port()
    return start("-m", "config.serve", "--port", str(port), **variables), port


@pytest.mark.parametrize("server", [gunicorn, channels])
def test_servers_of_http(start: Start, server: Callable[..., tuple[Output, int]]) -> None:
    running, port = server(start)
    site = Site(port, running.process)
    wait_until(lambda: answers(site, "/readyz"), "the server answers", seconds=30)
    assert site.http.get("/nowhere/", headers={"X-Request-ID": "seen-by-me"}).status_code == 404
    site.http.close()
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(b"this is no HTTP\r\n\r\n")
        raw.recv(1000)
    assert running.end() in (0, -signal.SIGTERM)
    seen = [event for event in running.events() if event.get("request_id") == "seen-by-me"]
    assert [event["path"] for event in seen if event["event"] == "http.request"] == ["/nowhere/"]


def test_worker(start: Start, transactional_db: None) -> None:
    worker = start(*WORKER, PYTHONWARNINGS="always")
    wait_until(lambda: worker.says("ready"), "the worker is ready", seconds=30)
    user = User.objects.create_user(email="ada@example.com", name="Ada", password=None)
    app.send_task("apps.users.tasks.send_welcome_mail", kwargs={"user_id": str(user.id)})
    app.send_task("apps.users.tasks.send_welcome_mail", kwargs={"user_id": "no uuid"})
    app.send_task("nobody.knows.it")
    for event in ("mail.not_sent", "task.failed", "task.unusable"):
        wait_until(partial(worker.says, f'"event":"{event}"'), f"{event} is logged", seconds=30)
    worker.end(signal.SIGQUIT)
    events = worker.events()
    [mail] = [event for event in events if event["event"] == "mail.not_sent"]
    assert (mail["recipients"], PRODUCT.name in str(mail["subject"])) == (1, True)
    assert "/#" not in worker.path.read_text(encoding="utf-8")
    assert mail["task"] == "apps.users.tasks.send_welcome_mail"
    [failed] = [event for event in events if event["event"] == "task.failed"]
    assert "Traceback" in str(failed["traceback"])
    assert [event["event"] for event in events if "shutdown" in str(event["event"])]


def test_beat(start: Start) -> None:
    beat = start(*CELERY, "beat", "--pidfile=", "--loglevel=INFO")
    wait_until(lambda: beat.says("beat.leads"), "it leads", seconds=30)
    beat.end()
    beat.events()


def test_migrate(start: Start) -> None:
    migrate = start("manage.py", "prepare")
    assert migrate.process.wait(timeout=60) == 0
    assert [event["message"] for event in migrate.events()] == ["The database is up to date."]


UNCAUGHT = """
import threading, warnings
from django.conf import settings
settings.DEBUG
warnings.warn("old", DeprecationWarning)
thread = threading.Thread(target=lambda: 1 / 0, name="the-thread")
thread.start()
thread.join()
class Odd:
    def __del__(self):
        raise RuntimeError("at the end")
Odd()
import logging
logging.getLogger("x").error("%d", "no number")
raise ValueError("token=abcdef")
"""


def test_what_nobody_catches(start: Start) -> None:
    process = start("-W", "always", "-c", UNCAUGHT)
    assert process.process.wait(timeout=60) == 1
    events = process.events()
    assert [event["event"] for event in events if event.get("category") != "ResourceWarning"] == [
        "python.warning",
        "uncaught.thread",
        "uncaught.unraisable",
        "log.failed",
        "uncaught.exception",
    ]
    assert "ZeroDivisionError" in str(events[1]["exception"])
    assert "ValueError: token=[redacted]" in str(events[-1]["exception"])


def test_a_start_that_is_refused(start: Start) -> None:
    for command in (("-m", "config.serve"), WORKER, (*CELERY, "beat"), ("manage.py", "prepare")):
        process = start(*command, SECRET_KEY="short")
        assert process.process.wait(timeout=60) != 0
        [event] = process.events()
        assert event["event"] == "start.refused"
        assert "SECRET_KEY" in str(event["reason"])


CONTAINERS = r"""
worker-1  | {"event":"task.failed","level":"error","logger":"tasks","timestamp":"2026-01-02T03:04:05.678901Z","request_id":"r1","traceback":"a\n\u001b[31mb"}
web-1     | {"event":"http.request","level":"info","logger":"http","timestamp":"2026-01-02T03:04:06.000000Z","request_id":"r2","path":"/a b","status":200}
postgres-1 | LOG:  ready
""".strip().splitlines()


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (
            [],
            [
                "03:04:05.678 worker-1     error    task.failed request_id=r1\n    traceback:\n    | a\n    | \\u001b[31mb",
                '03:04:06.000 web-1        info     http.request request_id=r2 path="/a b" status=200',
                "postgres-1   LOG:  ready",
            ],
        ),
        (["--level", "error"], ["03:04:05.678 worker-1"]),
        (["--request", "r2"], ["03:04:06.000 web-1"]),
    ],
)
def test_make_logs_reads_them_for_people(options: list[str], lines: list[str]) -> None:
    found = list(logs.readable(CONTAINERS, logs.parser().parse_args(options), colour=False))
    assert [line.startswith(start) for line, start in zip(found, lines, strict=True)] == [True] * len(lines)
