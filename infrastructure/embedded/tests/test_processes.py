"""Starting, recognising and ending processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infrastructure.embedded import console, launch, processes
from infrastructure.embedded.tests.conftest import eventually
from infrastructure.product import PRODUCT

LAUNCH = launch.__file__


def spec(**changes: object) -> str:
    return json.dumps({"uid": None, "gid": None, "parent": os.getpid(), "death": 9, "cwd": "/", **changes})


def test_launcher_becomes_the_program_in_its_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, LAUNCH, spec(cwd=str(tmp_path)), "sh", "-c", "pwd; trap - INT && echo $0", "word"],
        capture_output=True,
        text=True,
        check=False,
        # A shell in the background leaves SIGINT ignored; the child must not inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path}\nword\n", "")


def test_launcher_drops_to_the_account(tmp_path: Path) -> None:
    # Only root may drop to the same account, like setgroups; for others it is an error and nothing runs.
    done = subprocess.run(
        [sys.executable, LAUNCH, spec(uid=os.getuid(), gid=os.getgid()), "sh", "-c", "umask; id -u"],
        capture_output=True,
        text=True,
        check=False,
    )
    if os.getuid() == 0:
        assert done.stdout.split() == ["0077", "0"]
    else:
        assert done.returncode == 1
        assert "not permitted" in done.stderr


def test_launcher_names_a_missing_program() -> None:
    done = subprocess.run(
        [sys.executable, LAUNCH, spec(), "/no/such/program"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "/no/such/program: No such file or directory\n")


def test_a_launcher_without_its_parent_starts_nothing() -> None:
    done = subprocess.run(
        [sys.executable, LAUNCH, spec(parent=1), "echo", "x"], capture_output=True, text=True, check=False
    )
    if sys.platform == "linux":
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "the supervisor ended while its child started\n"
    else:
        assert done.stdout == "x\n"


def test_zombie_is_not_alive_and_a_stranger_is() -> None:
    child = subprocess.Popen(["true"])
    assert eventually(lambda: not processes.is_alive(child.pid))
    child.wait()
    assert not processes.is_alive(child.pid)
    assert processes.is_alive(1)
    assert processes.is_alive(os.getpid())


def test_command_line_of_the_living_and_the_dead() -> None:
    child = processes.spawn(["sleep", "20"], cwd=Path("/"))
    assert eventually(lambda: processes.command_line(child.pid) == "sleep 20")
    assert processes.end_stranger(child.pid, ((signal.SIGTERM, 5.0),))
    processes.sweep(child)
    assert processes.command_line(child.pid) == ""
    processes.signal_process(child.pid, signal.SIGTERM)


def test_command_line_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROC", Path("/nowhere"))
    assert "python" in processes.command_line(os.getpid())
    assert processes.is_alive(os.getpid())


def test_end_stranger_escalates_and_reports_failure() -> None:
    child = processes.spawn(
        [
            sys.executable,
            "-S",
            "-c",
            "import signal, time; signal.signal(15, signal.SIG_IGN); print('x', flush=True); time.sleep(20)",
        ],
        cwd=Path("/"),
        output=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"x\n"
    assert not processes.end_stranger(child.pid, ((signal.SIGTERM, 0.05),))
    assert processes.end_stranger(child.pid, ((signal.SIGTERM, 0.05), (signal.SIGKILL, 5.0)))
    processes.sweep(child)
    assert child.returncode == -signal.SIGKILL


def test_kill_group_takes_grandchildren(tmp_path: Path) -> None:
    child = processes.spawn(["sh", "-c", "sleep 60 & echo $! > pid; wait"], cwd=tmp_path)
    assert eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip() != "")
    grandchild = int((tmp_path / "pid").read_text())
    processes.kill_group(child)
    processes.kill_group(child)  # already ended
    assert eventually(lambda: not processes.is_alive(grandchild))


def test_ending_with_make_only_below_make(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os, time; from infrastructure.embedded import processes; processes.end_with_parent();"
        "print('x', flush=True); time.sleep(20)"
    )
    outer = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {code!r}]); print(p.pid, flush=True); p.wait()"
    parent = subprocess.Popen(
        [sys.executable, "-c", outer],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "MAKELEVEL": "1", "PYTHONPATH": str(Path(launch.__file__).parents[2])},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert parent.stdout.readline() == "x\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    if sys.platform == "linux":
        assert eventually(lambda: not processes.is_alive(child))
    processes.signal_process(child, signal.SIGKILL)


def read_all(descriptor: int) -> str:
    os.set_blocking(descriptor, False)
    return os.read(descriptor, 1 << 20).decode()


def test_log_shows_whole_lines_under_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "LONGEST", 20)
    reader, writer = os.pipe()
    log = console.Console(descriptor=writer)
    log.feed("server", b"one\r\ntw")
    log.feed("worker", b"three\nMemory overcommit must be enabled!\n")
    log.feed("server", b"o\n\xff")
    log.finish("server")
    log.finish("server")
    assert read_all(reader).splitlines() == [
        "server   | one",
        "worker   | three",
        "server   | two",
        "server   | \N{REPLACEMENT CHARACTER}",
    ]
    log.feed("server", b"x" * (console.LONGEST + 1))
    assert os.read(reader, 1000) == b"server   | " + b"x" * 21 + b"\n"
    os.close(reader)
    log.say("nobody reads this")
    os.close(writer)


@pytest.mark.parametrize(
    ("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_on_a_terminal_unless_asked_not_to(environ: dict[str, str], *, coloured: bool) -> None:
    master, slave = os.openpty()
    log = console.Console(descriptor=slave, environ=environ)
    log.line("server", "hello")
    time.sleep(0.01)
    shown = os.read(master, 1000).decode().strip()
    assert shown == ("\x1b[32mserver  \x1b[0m | hello" if coloured else "server   | hello")
    os.close(master)
    os.close(slave)


def test_banner_without_a_summary_has_the_address(tmp_path: Path) -> None:
    assert (
        console.banner("http://x", tmp_path / "none", 1.26).splitlines()[1]
        == f"{PRODUCT.name} is up: http://x  (after 1.3 s)"
    )
