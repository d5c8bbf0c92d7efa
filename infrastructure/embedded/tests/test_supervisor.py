"""A run: start, supervision, end; nothing remains after any failure."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis
from watchfiles import Change

from infrastructure.embedded import data_dirs, postgres, processes, supervisor, watcher
from infrastructure.embedded.tests import standin
from infrastructure.embedded.tests.conftest import (
    STANDIN,
    Run,
    clean_environment,
    descendants,
    eventually,
    servers_of,
)

pytestmark = pytest.mark.campaign

Start = Callable[..., Run]


def gone(pids: list[int]) -> bool:
    return not [pid for pid in pids if processes.is_alive(pid)]


def test_it_starts_prints_its_address_and_leaves_nothing(start: Start, checkout: Path) -> None:
    run = start().up()
    lines = run.text.splitlines()
    assert f"stack    |   Console          http://127.0.0.1:{run.port}/" in lines
    assert "stack    |   Elsewhere        https://example.com/" in lines
    assert "stack    |   ada@example.com          secret-demo          admin" in lines
    assert "stack    |   Service key      key-1" in lines
    assert "prepare  | seeded" in lines
    seen = run.get()
    assert seen["PUBLIC_URL"] == f"http://127.0.0.1:{run.port}"
    assert run.running().urls == {"DATABASE_URL": seen["DATABASE_URL"], "REDIS_URL": seen["REDIS_URL"]}
    with psycopg.connect(seen["DATABASE_URL"]) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    below = descendants(run.process.pid)
    assert len(below) >= 8  # server, worker and its sleep, valkey, postgres and its own
    commands = [processes.command_line(pid) for pid in below]
    secrets = [url.split(":")[2].split("@")[0] for url in run.running().urls.values()]
    assert not [command for command in commands if any(secret in command for secret in secrets)]
    assert run.end(signal.SIGINT) == 0
    assert gone(below)
    assert "worker   | no end of line" in run.text.splitlines()
    assert not (checkout / ".data" / "running.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_and_data_survives(start: Start, number: signal.Signals) -> None:
    first = start().up()
    urls = first.get()
    with psycopg.connect(urls["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    redis.Redis.from_url(urls["REDIS_URL"]).set("kept", "7")
    assert first.end(number) == 0
    second = start().up()
    with psycopg.connect(second.get()["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (7,)
    assert redis.Redis.from_url(second.get()["REDIS_URL"]).get("kept") == b"7"
    assert second.end() == 0


def test_killed_supervisor_takes_its_children_along_and_the_next_recovers(start: Start) -> None:
    first = start().up()
    with psycopg.connect(first.get()["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    below = descendants(first.process.pid)
    first.end(signal.SIGKILL)
    if sys.platform == "linux":
        # All but the worker's own child, whose parent was killed.
        assert eventually(lambda: sum(map(processes.is_alive, below)) <= 1)
    second = start().up()
    with psycopg.connect(second.get()["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (7,)
    assert second.end() == 0
    for pid in below:
        processes.signal_process(pid, signal.SIGKILL)


def test_a_second_instance_prints_the_address_of_the_first(start: Start) -> None:
    first = start().up()
    second = start()
    assert second.process.wait(timeout=10) == 1
    assert second.text == (
        f"error: already running at http://127.0.0.1:{first.port} (process {first.process.pid}): "
        "open it, or stop it with Ctrl-C there\n"
    )
    assert first.get()["PUBLIC_URL"]
    assert first.end() == 0


def test_a_start_waits_for_the_stack_that_is_stopping(start: Start) -> None:
    first = start().up()
    first.process.send_signal(signal.SIGTERM)
    second = start().up()
    assert "already running" not in second.text
    assert first.process.wait(timeout=30) == 0
    assert second.end() == 0


def test_taken_port_is_named_with_a_free_one(start: Start, checkout: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = start(port=port)
        assert run.process.wait(timeout=10) == 1
    assert run.text.startswith(
        f"error: port {port} on 127.0.0.1 is taken: stop what uses it, or choose another: make run PORT="
    )
    assert postgres.is_free(int(run.text.rsplit("=", 1)[1]))
    assert not servers_of(checkout)


@pytest.mark.parametrize(
    ("mode", "reason", "verdict"),
    [
        (
            "broken",
            "server   | the zone table is broken",
            "server did not start (exit 1): the reason is above",
        ),
        ("unprepared", "prepare  | no migration for you", "prepare failed (exit 1): the reason is above"),
    ],
)
def test_fault_at_the_start_is_shown_and_ends_everything(
    start: Start, checkout: Path, mode: str, reason: str, verdict: str
) -> None:
    run = start(mode)
    assert run.process.wait(timeout=20) == 1
    assert reason in run.text.splitlines()
    assert f"stack    | {verdict}" in run.text.splitlines()
    assert servers_of(data_dirs.persistent(checkout).path) == []


def test_a_child_that_exits_is_restarted(start: Start, checkout: Path) -> None:
    run = start("fleeting").up()
    run.until("worker ended unexpectedly (exit 0); starting it again in 0.5 s")
    assert eventually(lambda: (checkout / "starts").read_text() == "xx")
    assert run.end() == 0


def test_a_database_that_exits_is_restarted_at_its_address(start: Start, checkout: Path) -> None:
    run = start().up()
    urls = run.get()
    home = data_dirs.persistent(checkout)
    for name, note in (
        ("postgres", home.postgres / "data" / "postmaster.pid"),
        ("valkey", home.valkey / "valkey.pid"),
    ):
        os.kill(int(note.read_text().split()[0]), signal.SIGKILL)
        run.until(f"{name} ended unexpectedly (SIGKILL); starting it again in 0.5 s")
    store = redis.Redis.from_url(urls["REDIS_URL"])

    def answers() -> bool:
        try:
            with psycopg.connect(urls["DATABASE_URL"]):
                return bool(store.ping())
        except (psycopg.OperationalError, redis.RedisError):
            return False

    assert eventually(answers)
    assert run.end() == 0


def test_second_request_to_end_hurries_a_stubborn_child(start: Start) -> None:
    run = start("stubborn").up().until("worker   | stubborn")
    below = descendants(run.process.pid)
    run.process.send_signal(signal.SIGINT)
    run.until("stack    | stopping")
    assert not eventually(lambda: run.process.poll() is not None, 0.5)
    assert run.end(signal.SIGINT) == 0
    assert "stack    | worker: asked again, ending it by SIGKILL" in run.text.splitlines()
    assert gone(below)


def test_an_unread_log_does_not_end_it(checkout: Path) -> None:
    port = postgres.free_port()
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, standin.__file__, str(checkout), str(port), "good"],
        stdin=None,
        stdout=writer,
        stderr=writer,
        env=clean_environment(PYTHONPATH=str(data_dirs.CHECKOUT)),
        preexec_fn=lambda: os.close(0),  # noqa: PLW1509  (one thread; nothing else closes a standard stream)
    )
    os.close(writer)
    os.close(reader)
    assert eventually(lambda: not postgres.is_free(port))
    assert process.poll() is None
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert postgres.is_free(port)


def test_servers_of_the_environment_are_used_and_none_started(start: Start, checkout: Path) -> None:
    (checkout / ".env").write_text(
        'export REDIS_URL="redis://127.0.0.1:1/3"\nDATABASE_URL=postgres://no\nPUBLIC_URL=https://x.example\n'
    )
    run = start(DATABASE_URL="postgres://u:p@127.0.0.1:1/d").up()
    assert run.get() == {
        "DATABASE_URL": "postgres://u:p@127.0.0.1:1/d",
        "REDIS_URL": "redis://127.0.0.1:1/3",
        "PUBLIC_URL": "https://x.example",
    }
    assert "stack    | using DATABASE_URL and REDIS_URL from the environment or .env" in run.text.splitlines()
    assert servers_of(data_dirs.persistent(checkout).path) == []
    assert run.end() == 0


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("example.test", "http://example.test:8000"),
    ],
)
def test_site_is_an_address_that_a_browser_understands(host: str, site: str) -> None:
    assert supervisor.site_of(host, 8000) == site


def replace(path: Path, text: str) -> bool:
    """Change a file in one step, as an editor does."""
    scratch = path.with_suffix(".new")
    scratch.write_text(text)
    return scratch.replace(path).exists()


def test_changed_code_is_reloaded(start: Start, checkout: Path) -> None:
    (checkout / "code").mkdir()
    loaded = checkout / "code" / "loaded.py"
    replace(loaded, "VALUE = 'one'\n")
    run = start("reloading").up()
    assert run.get()["PUBLIC_URL"] == "one"
    broken = checkout / "code" / "broken.py"  # reloads nothing, and shows that the watcher has begun
    assert eventually(lambda: replace(broken, "def (\n") and f"{broken}:1: invalid syntax" in run.text)
    broken.unlink()
    replace(loaded, "VALUE = 'two'\n")
    run.until("reloaded in")
    assert run.get()["PUBLIC_URL"] == "two"
    assert "code/loaded.py changed" in run.text
    # Code that does not compile is reported, and running processes continue; a process that does not start waits for a change.
    replace(loaded, "def (\n")
    run.until(f"{loaded}:1: invalid syntax")
    assert run.get()["PUBLIC_URL"] == "two"
    replace(loaded, "raise SystemExit('half an edit')\n")
    run.until("server does not start: the reason is above; it waits for the next change")
    assert "server   | half an edit" in run.text.splitlines()
    replace(loaded, "VALUE = 'three'\n")
    assert eventually(lambda: run.text.count("reloaded in") == 2)
    assert run.get()["PUBLIC_URL"] == "three"
    # Each reload has ended the worker, which restarts after the server.
    assert eventually(lambda: run.text.count("worker   | no end of line") == 2)
    below = descendants(run.process.pid)
    assert run.end() == 0
    assert gone(below)


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("apps/chat/views.py", True),
        ("apps/chat/tests/test_views.py", False),
        ("apps/chat/views.html", False),
        ("apps/chat/.views.py.swp", False),
        ("conftest.py", False),
        ("infrastructure/embedded/state.py", False),
        ("infrastructure/product.py", True),
    ],
)
def test_only_code_that_processes_load_counts_as_changed(path: str, counts: bool) -> None:
    assert watcher.Loaded()(Change.modified, f"/checkout/{path}") is counts


def test_an_unwatchable_folder_is_reported_once(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "infrastructure.embedded.watcher",
        str(os.getpid()),
        str(tmp_path / "none"),
    ]
    process = subprocess.Popen(command, cwd=data_dirs.CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("cannot watch for changes (")
        assert line.endswith("); RELOAD=0 starts without\n")
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_server_in_the_foreground_has_the_terminal(checkout: Path) -> None:
    port = postgres.free_port()
    terminal, inner = pty.openpty()
    command = [sys.executable, str(STANDIN), str(checkout), str(port), "foreground"]
    env = clean_environment(PYTHONPATH=str(data_dirs.CHECKOUT), PYTHONBREAKPOINT="pdb.set_trace", TERM="dumb")
    process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=env)
    shown = b""

    def until(words: bytes) -> None:
        nonlocal shown
        while words not in shown:
            assert select.select([terminal], [], [], 30)[0], shown
            shown += os.read(terminal, 4096)

    try:
        # The first request is the supervisor's own, which asks whether the server is up.
        until(b"(Pdb) ")
        os.write(terminal, b"print(6 * 7)\n")
        until(b"42")
        os.write(terminal, b"continue\n")
        until(b"the others write to")
        assert b"worker   | no end" not in shown
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        os.close(terminal)
        os.close(inner)
    assert (checkout / ".data" / "run.log").read_text().startswith("worker   | no end of line\n")
