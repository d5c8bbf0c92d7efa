"""The plugin that gives a test session its servers: tried with whole sessions of pytest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from infrastructure.embedded import data_dirs, processes, pytest_plugin
from infrastructure.embedded.tests.conftest import clean_environment, eventually

pytestmark = pytest.mark.campaign

SESSION = """
import os, pathlib, pytest, redis
def test_store(tmp_path_factory):
    url = os.environ["REDIS_URL"]
    assert redis.Redis.from_url(url).ping()
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(url.rpartition("/")[2] + " ")
def test_store_again(tmp_path_factory):
    test_store(tmp_path_factory)
"""


def session(folder: Path, text: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "infrastructure.embedded.pytest_plugin",
            *options,
        ],
        cwd=folder,
        env=clean_environment(
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
            PYTHONPATH=str(data_dirs.CHECKOUT),
            SEEN=str(folder / "seen"),
            **environment,
        ),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_parallel_processes_have_databases_of_their_own(tmp_path: Path) -> None:
    done = session(tmp_path, SESSION, "-p", "xdist", "-n2", "--dist=each", PYTEST_XDIST_WORKER="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted((tmp_path / "seen").read_text().split()) == ["0", "0", "4", "4"]


def test_skips_are_failures_but_for_the_agreed_word(tmp_path: Path) -> None:
    text = """
import pytest
@pytest.mark.skip(reason="not on this platform: no epoll")
def test_allowed(): pass
@pytest.mark.xfail(reason="known")
def test_expected(): assert False
def test_passes(): pass
"""
    given = {"DATABASE_URL": "postgres://given", "REDIS_URL": "redis://given", "PYTEST_XDIST_WORKER": ""}
    assert session(tmp_path, text, **given).returncode == 0
    done = session(tmp_path, text + "def test_no_server(): pytest.skip('no database')\n", **given)
    assert done.returncode == 1
    assert "skipped tests count as failures" in done.stdout
    assert "test_it.py::test_no_server: no database" in done.stdout.splitlines()
    done = session(tmp_path, "import pytest\npytest.importorskip('nothing_there')\n", **given)
    assert done.returncode != 0
    assert "test_it.py: could not import 'nothing_there'" in done.stdout


def test_terminated_session_removes_its_servers(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import os, time\ndef test_it():\n    open('up', 'w').write(os.environ['REDIS_URL'])\n    time.sleep(30)\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    homes = set(Path(tempfile.gettempdir()).glob(f"{data_dirs.THROWAWAY}*"))
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "infrastructure.embedded.pytest_plugin",
        ],
        cwd=tmp_path,
        env=clean_environment(
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTHONPATH=str(data_dirs.CHECKOUT), PYTEST_XDIST_WORKER=""
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert eventually((tmp_path / "up").exists, 20)
    mine = [
        home
        for home in set(Path(tempfile.gettempdir()).glob(f"{data_dirs.THROWAWAY}*")) - homes
        if home.exists()
    ]
    mine = [home for home in mine if processes.command_line(process.pid) and is_of(home, process.pid)]
    assert len(mine) == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 143
    assert not mine[0].exists()


def is_of(home: Path, pid: int) -> bool:
    """Whether the PostgreSQL of a throwaway home is the child of a process."""
    try:
        server = (home / "postgres" / "data" / "postmaster.pid").read_text().split()[0]
    except (FileNotFoundError, IndexError):
        return False  # of another test, that has just begun or ended
    found = subprocess.run(["ps", "-o", "ppid=", "-p", server], capture_output=True, text=True, check=False)
    return found.stdout.strip() == str(pid)


@pytest.mark.parametrize(
    ("url", "worker", "share"),
    [
        ("redis://:p@h:1/0", 0, "redis://:p@h:1/0"),
        ("redis://:p@h:1/0", 3, "redis://:p@h:1/12"),
        ("redis://:p@h:1/2?x=/y", 1, "redis://:p@h:1/6?x=/y"),
        ("redis://h:1", 2, "redis://h:1/8"),
        ("redis://h:1/", 2, "redis://h:1/8"),
    ],
)
def test_share_of_a_worker(url: str, worker: int, share: str) -> None:
    assert pytest_plugin.share_of(url, worker) == share


def test_this_session_has_servers() -> None:
    assert os.environ["DATABASE_URL"].startswith("postgres")
    assert os.environ["REDIS_URL"].startswith("redis")
