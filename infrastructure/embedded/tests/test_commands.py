"""`exec`, `clean` and the command line itself."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infrastructure.embedded import commands, data_dirs, errors, state
from infrastructure.embedded.tests.conftest import Run, clean_environment, eventually, servers_of

pytestmark = pytest.mark.campaign

SHOW = "import os; print(os.environ['DATABASE_URL']); print(os.environ['DJANGO_SETTINGS_MODULE'])"


# What a command of Django's would find, printed in its place.
PROBE = "import os; print(os.environ.get('DATABASE_URL')); print(os.environ['DJANGO_SETTINGS_MODULE'])"


def manage(checkout: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py for a checkout, with Django's command line replaced by some code."""
    code = (
        "import sys; from pathlib import Path; from infrastructure.embedded import data_dirs;"
        f"data_dirs.CHECKOUT = Path({str(checkout)!r});"
        "import django.core.management as m; m.execute_from_command_line = lambda argv: exec(argv[1]);"
        "import manage; manage.main()"
    )
    env = clean_environment(PYTHONPATH=str(data_dirs.CHECKOUT), **environment)
    if "DJANGO_SETTINGS_MODULE" not in environment:
        del env["DJANGO_SETTINGS_MODULE"]
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, command],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(autouse=True)
def no_servers_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


def test_exec_starts_servers_for_the_command_and_stops_them(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = "import psycopg, os; print(psycopg.connect(os.environ['DATABASE_URL']).execute('SELECT 7').fetchone()[0]); raise SystemExit(3)"
    assert commands.main(["exec", "--", sys.executable, "-W", "ignore", "-c", code], checkout=checkout) == 3
    assert capfd.readouterr().out == "7\n"
    assert servers_of(data_dirs.persistent(checkout).path) == []


def test_exec_uses_the_servers_of_the_running_stack(
    checkout: Path, start: Callable[..., Run], capfd: pytest.CaptureFixture[str]
) -> None:
    run = start().up()
    assert commands.main(["exec", "--", sys.executable, "-c", SHOW], checkout=checkout) == 0
    assert capfd.readouterr().out == f"{run.running().urls['DATABASE_URL']}\nconfig.settings.development\n"
    assert run.end() == 0


def test_manage_py_uses_the_servers_of_the_running_stack(checkout: Path, start: Callable[..., Run]) -> None:
    run = start().up()
    url = run.running().urls["DATABASE_URL"]
    done = manage(checkout, PROBE)
    assert (done.returncode, done.stdout.splitlines()) == (0, [url, "config.settings.development"])
    assert run.end() == 0


def test_manage_py_starts_servers_where_none_run_and_stops_them(checkout: Path) -> None:
    done = manage(
        checkout, f"{PROBE}; import psycopg; psycopg.connect(os.environ['DATABASE_URL']); raise SystemExit(3)"
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (3, 2), done.stderr
    assert servers_of(data_dirs.persistent(checkout).path) == []
    assert not (checkout / ".data" / "running.json").exists()


def test_manage_py_under_other_settings_or_with_given_servers_starts_none(checkout: Path) -> None:
    given = {"DATABASE_URL": "postgres://given", "REDIS_URL": "redis://given"}
    assert manage(checkout, PROBE, **given).stdout.startswith("postgres://given\n")
    done = manage(checkout, PROBE, DJANGO_SETTINGS_MODULE="config.settings.production")
    assert done.stdout == "None\nconfig.settings.production\n"
    assert not (checkout / ".data" / "running.lock").exists()


def test_manage_py_reports_starting_servers_in_one_line(checkout: Path) -> None:
    claim = state.Claim(data_dirs.local_folder(checkout))
    assert claim.take()
    done = manage(checkout, PROBE)
    claim.release()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: the servers of this checkout are just starting or stopping: try again in a moment\n"
    )


def test_programs_that_only_read_the_settings_of_tests_need_no_servers() -> None:
    module = "config.settings.test"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import {module} as s; print(s.DATABASES['default']['PORT'], s.CELERY_BROKER_URL)",
        ],
        env=clean_environment(DJANGO_READ_DOT_ENV="0", DJANGO_SETTINGS_MODULE=module),
        cwd=data_dirs.CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "1 redis://127.0.0.1:1/0\n"), done.stderr


def test_exec_waits_for_others_that_use_its_servers(checkout: Path) -> None:
    script = f"from pathlib import Path; from infrastructure.embedded import commands; commands.main(['exec', 'sleep', '{{}}'], checkout=Path({str(checkout)!r}))"
    env = clean_environment(PYTHONPATH=str(data_dirs.CHECKOUT))
    owner = subprocess.Popen([sys.executable, "-c", script.format("0.5")], env=env)
    folder = checkout / ".data"
    assert eventually(lambda: state.Claim(folder).owner() is not None)
    begun = state.Claim(folder).owner()
    assert begun is not None
    assert (begun.what, begun.site, begun.pid) == ("sleep 0.5", "", owner.pid)
    with state.using(folder):
        assert not eventually(lambda: owner.poll() is not None, 1.0)
    assert owner.wait(timeout=10) == 0


def test_exec_with_given_servers_starts_none(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://given")
    monkeypatch.setenv("REDIS_URL", "redis://given")
    assert commands.main(["exec", "--", sys.executable, "-c", SHOW], checkout=checkout) == 0
    assert capfd.readouterr().out.splitlines()[0] == "postgres://given"
    assert not (checkout / ".data" / "running.lock").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 0)])
def test_signals_to_exec(checkout: Path, number: signal.Signals, code: int) -> None:
    # A terminal sends SIGINT to both, so a signal to exec alone is not forwarded.
    outer = os.getpid()
    script = f"import os, time; os.kill(os.getppid(), {int(number)}); time.sleep(0.3)"
    assert outer
    assert commands.attached([sys.executable, "-S", "-c", script], {}) == code


def test_missing_command_and_program_are_one_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.EmbeddedError, match="exec needs a command"):
        commands.main(["exec", "--"], checkout=checkout)
    with pytest.raises(errors.EmbeddedError, match="/no/such: No such file or directory"):
        commands.attached(["/no/such"], {})


def test_servers_that_are_starting_are_reported(checkout: Path) -> None:
    claim = state.Claim(data_dirs.local_folder(checkout))
    assert claim.take()
    with pytest.raises(errors.EmbeddedError, match="try again in a moment"):
        commands.main(["exec", "true"], checkout=checkout)
    with pytest.raises(errors.EmbeddedError, match="being started or stopped by another command"):
        commands.main(["clean", "--yes"], checkout=checkout)
    claim.publish(state.Running(pid=7, what="make shell", site="", urls={}))
    with pytest.raises(
        errors.EmbeddedError, match=r"`make shell` \(process 7\) has the servers of this checkout"
    ):
        commands.main(["run", "--port", "1"], checkout=checkout)
    claim.release()
    claim.release()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eight", "²"])
def test_port_out_of_range_is_refused_with_the_range(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        commands.main(["run", f"--port={port}"])
    assert f"{port!r} is no port: use a number from 1 to 65535" in capsys.readouterr().err


def test_host_that_is_not_ours_is_one_line(checkout: Path) -> None:
    with pytest.raises(errors.EmbeddedError, match=r"cannot listen on 192\.0\.2\.1: .*make run HOST="):
        commands.main(["run", "--host", "192.0.2.1"], checkout=checkout)


def test_clean_asks_and_removes_everything(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = data_dirs.persistent(checkout)
    home.credentials()
    monkeypatch.setattr(sys, "stdin", io.StringIO("no\n"))
    assert commands.main(["clean"], checkout=checkout) == 1
    assert capsys.readouterr().out.endswith("Type yes to go on: nothing removed\n")
    assert home.path.exists()
    monkeypatch.setattr(sys, "stdin", None)
    assert commands.main(["clean"], checkout=checkout) == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    assert commands.main(["clean"], checkout=checkout) == 0
    assert not home.path.exists()
    assert not (checkout / ".data").exists()


def test_command_line_of_the_package_shows_one_line_for_an_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infrastructure.embedded", "exec"],
        capture_output=True,
        text=True,
        check=False,
        cwd=data_dirs.CHECKOUT,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: exec needs a command: exec -- python manage.py shell\n"
