"""`make doctor`: each check with a planted fault, and the report."""

from __future__ import annotations

import fcntl
import hashlib
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection

from scripts import doctor_checks, dotenv

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = 'name = "Acme Orders"\nslug = "acme-orders"\ndomain = "orders.example.com"\n'


class Planted:
    """A checkout that a test makes up."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(root)}

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def git(self, *arguments: str, **environ: str) -> None:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        subprocess.run(
            ["git", *who, *arguments],
            cwd=self.root,
            check=True,
            capture_output=True,
            env={**self.environ, **environ},
        )

    def commit(self, **environ: str) -> None:
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "first", **environ)

    def found(self, check: str) -> list[tuple[str, str]]:
        return list(doctor_checks.CHECKS[check](doctor_checks.Checkout(root=self.root, environ=self.environ)))


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path)


class Quiet(http.server.BaseHTTPRequestHandler):
    """Answers 200 with a Date in the past."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(1_000_000_000, usegmt=True)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a server whose clock shows the year 2001."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made.server_port
        made.shutdown()
        thread.join()


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_python_that_does_not_start(planted: Planted) -> None:
    planted.environ["PYTHON"] = "/nowhere/python3.13"
    assert planted.found("python") == [
        ("PYTHON=/nowhere/python3.13 does not start", "name an installed Python 3.11 or newer")
    ]
    planted.environ["PYTHON"] = sys.executable
    assert planted.found("python") == []


def test_an_environment_that_does_not_follow_the_lock(planted: Planted) -> None:
    with pytest.raises(doctor_checks.NotChecked, match="nothing is installed yet"):
        planted.found("environment")
    planted.write("requirements/development.txt", "django==5.2")
    stamp = {
        "state": "ready",
        "root": str(planted.root),
        "lock": hashlib.sha256(b"django==5.2").hexdigest(),
    }
    planted.write(".venv/bootstrap.json", json.dumps(stamp))
    assert planted.found("environment") == []
    planted.write("requirements/development.txt", "django==6.0")
    assert planted.found("environment") == [
        (".venv does not hold what requirements/development.txt pins", "make venv")
    ]
    planted.write(".venv/bootstrap.json", json.dumps({**stamp, "root": "/elsewhere"}))
    assert planted.found("environment") == [(".venv was made for /elsewhere", "make venv")]
    (planted.root / ".venv" / "bootstrap.json").unlink()
    assert planted.found("environment") == [(".venv was made by something else", "rm -rf .venv && make venv")]


def test_a_port_that_another_program_uses(planted: Planted, closed_port: int) -> None:
    planted.environ["PORT"] = str(closed_port)
    assert planted.found("ports") == []
    planted.environ["PORT"] = "http"
    assert planted.found("ports") == [("PORT=http is no port", "name one from 1 to 65535")]
    planted.environ["PORT"] = str(closed_port)
    with socket.create_server(("127.0.0.1", closed_port)):
        ((problem, remedy),) = planted.found("ports")
    assert problem == f"port {closed_port} cannot be used: Address already in use"
    assert remedy == f"stop what uses it, or make run PORT={closed_port + 1}"


def test_a_stack_that_was_killed_or_does_not_answer(planted: Planted, server: int, closed_port: int) -> None:
    assert planted.found("stack") == []
    note = {"pid": 123, "what": "run", "site": f"http://127.0.0.1:{closed_port}", "urls": {}}
    planted.write(".data/running.json", json.dumps(note))
    lock = planted.write(".data/running.lock", "")
    assert planted.found("stack") == [
        ("`make run` (process 123) was killed and could not clean up", "make run, which starts anew")
    ]
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ((problem, remedy),) = planted.found("stack")
        assert problem.startswith(f"http://127.0.0.1:{closed_port} does not answer (")
        assert remedy == "read its log; stop it with Ctrl-C, then make run"
        planted.write(".data/running.json", json.dumps({**note, "site": f"http://127.0.0.1:{server}"}))
        assert planted.found("stack") == []
        planted.environ["PORT"] = str(server)
        assert planted.found("ports") == []


def test_a_dot_env_that_differs_from_the_variables(planted: Planted) -> None:
    with pytest.raises(doctor_checks.NotChecked, match="which only docker compose needs"):
        planted.found("variables")
    planted.write("docs/configuration.md", "| `ORDERS_PER_PAGE` | number | `20` | Orders |\n")
    planted.write("docker-compose.yml", "image: ${IMAGE}\n")
    complete = dotenv.dot_env()
    planted.write(".env", complete)
    assert planted.found("variables") == []
    planted.write(".env", f"{complete}ORDER_PER_PAGE=5\nXYZZY=1\n", mode=0o644)
    assert planted.found("variables") == [
        (".env can be read by other users of this machine", "chmod 600 .env"),
        (".env sets ORDER_PER_PAGE, which nothing reads", "rename it to ORDERS_PER_PAGE"),
        (".env sets XYZZY, which nothing reads", "remove the line"),
    ]
    lines = [line for line in complete.splitlines() if not line.startswith(("SECRET_KEY=", "JWT_KEYS="))]
    planted.write(".env", "\n".join([*lines, "SECRET_KEY=change-me"]))
    assert [problem for problem, _ in planted.found("variables")] == [
        ".env lacks JWT_KEYS",
        ".env has the sample value of SECRET_KEY",
    ]
    planted.write(".env", "A='\n")
    assert [remedy for _, remedy in planted.found("variables")] == ["correct the line"]


def test_a_server_that_cannot_be_reached(planted: Planted, server: int, closed_port: int) -> None:
    with pytest.raises(doctor_checks.NotChecked, match="make run starts servers of its own"):
        planted.found("servers")
    planted.environ["REDIS_URL"] = f"redis://:secret@127.0.0.1:{server}/0"
    planted.write(".env", f"DATABASE_URL=postgres://ada:secret@127.0.0.1:{closed_port}/x\n")
    assert planted.found("servers") == [
        (
            f"DATABASE_URL: 127.0.0.1:{closed_port} cannot be reached: Connection refused",
            "start that server, or correct DATABASE_URL",
        )
    ]
    planted.environ["DATABASE_URL"] = "postgres://127.0.0.1:port/x"
    assert planted.found("servers") == [
        ("DATABASE_URL is not a URL", "write it as docs/configuration.md says")
    ]


def test_pending_migrations(planted: Planted) -> None:
    with pytest.raises(doctor_checks.NotChecked, match="nothing is installed yet"):
        planted.found("migrations")
    program = planted.write(
        ".venv/bin/python",
        "#!/bin/sh\necho \"$*\"\nprintf 'orders.0002_note\\n  ! locks\\n'; exit 3\n",
        0o700,
    )
    with pytest.raises(doctor_checks.NotChecked, match="no servers run"):
        planted.found("migrations")
    planted.environ |= {"DATABASE_URL": "postgres://x@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1"}
    assert planted.found("migrations") == [("pending migrations (1): orders.0002_note", "make migrate")]
    program.write_text("#!/bin/sh\necho none\n")
    assert planted.found("migrations") == []
    program.write_text("#!/bin/sh\necho refused >&2; exit 1\n")
    with pytest.raises(doctor_checks.NotChecked, match="refused"):
        planted.found("migrations")


@pytest.mark.django_db
def test_the_migrations_of_a_real_database() -> None:
    """The server's first database has no table; that of the tests has all."""
    python, first = Path(sys.executable), os.environ["DATABASE_URL"]
    ((problem, remedy),) = doctor_checks.migrations(doctor_checks.Checkout(python=python))
    assert re.fullmatch(r"pending migrations \(\d+\): \w+\.\w+(, \w+\.\w+){4}", problem)
    assert remedy == "make migrate"
    environ = {
        **os.environ,
        "DATABASE_URL": urlsplit(first)._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
    }
    assert list(doctor_checks.migrations(doctor_checks.Checkout(environ=environ, python=python))) == []


def test_a_release_of_the_template_that_the_product_lacks(planted: Planted, tmp_path: Path) -> None:
    with pytest.raises(doctor_checks.NotChecked, match="this is the template"):
        planted.found("template")
    upstream = Planted(tmp_path / "upstream")
    upstream.root.mkdir()
    upstream.commit()
    for tag in ("1.9.0", "v1.10.0", "nightly"):
        upstream.git("tag", tag)
    planted.write(doctor_checks.ANSWERS, f"_commit: 1.9.0\n_src_path: {upstream.root}\n")
    assert planted.found("template") == [
        ("the template's release v1.10.0 is out; this product has 1.9.0", "make update")
    ]
    planted.write(doctor_checks.ANSWERS, f"_commit: v1.10.0\n_src_path: {upstream.root}\n")
    assert planted.found("template") == []
    planted.write(doctor_checks.ANSWERS, "_commit: v1.10.0\n_src_path: /nowhere\n")
    with pytest.raises(doctor_checks.NotChecked, match="ls-remote"):
        planted.found("template")


def test_an_edited_path_of_the_template(planted: Planted, tmp_path: Path) -> None:
    with pytest.raises(doctor_checks.NotChecked, match="this is a product"):
        planted.found("paths")
    origin = Planted(tmp_path / "origin")
    origin.write("template/paths.txt", "# comment\ntemplate\nscripts/init.py\n")
    origin.write("scripts/init.py", "")
    origin.write("apps/orders.py", "")
    origin.commit()
    clone = Planted(tmp_path / "clone")
    subprocess.run(["git", "clone", "-q", str(origin.root), str(clone.root)], check=True)
    clone.environ = planted.environ
    assert clone.found("paths") == []
    clone.write("apps/orders.py", "mine")
    assert clone.found("paths") == []
    clone.write("scripts/init.py", "mine")
    clone.git("commit", "-qam", "mine")
    clone.write("template/notes.txt", "mine")
    ((problem, remedy),) = clone.found("paths")
    assert problem.endswith("make init removes it: scripts/init.py, template/notes.txt")
    assert remedy == "move what the product needs to another path; git restore the rest"


def test_a_wrong_clock(planted: Planted, server: int, closed_port: int) -> None:
    planted.environ["PIP_INDEX_URL"] = f"http://127.0.0.1:{server}/"
    planted.commit()
    ((problem, remedy),) = planted.found("clock")
    assert problem.endswith("s ahead of 127.0.0.1")
    assert remedy == "set the clock, or start a time service (NTP)"
    planted.environ["PIP_INDEX_URL"] = f"http://127.0.0.1:{closed_port}/"
    with pytest.raises(doctor_checks.NotChecked, match="the package index did not answer"):
        planted.found("clock")
    later = "2090-01-01T00:00:00Z"
    planted.git("commit", "-q", "--allow-empty", "-m", "x", GIT_COMMITTER_DATE=later)
    ((problem, remedy),) = planted.found("clock")
    assert problem.endswith("s behind the last commit")


def test_a_full_disk(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    assert planted.found("disk") == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 5 << 20})())
    ((problem, remedy), *_) = planted.found("disk")
    assert problem.startswith("5 MiB are free at ")
    assert remedy == "free 1 GiB, for example with make clean in old checkouts"


def test_a_name_that_differs_from_the_products(planted: Planted) -> None:
    assert planted.found("names") == [
        ("product.toml lacks name, slug or domain", "write them there, as docs/configuration.md says")
    ]
    planted.write("product.toml", PRODUCT)
    planted.write("README.md", "# Acme Orders\n")
    planted.write("AGENTS.md", "# Acme Orders: instructions\n")
    planted.write("docs/api/public.v1.yaml", "openapi: 3.1.0\ninfo:\n  title: 'Acme Orders: Public'\n")
    planted.write(doctor_checks.ANSWERS, "name: Acme Orders\nslug: acme-orders\ndomain: orders.example.com\n")
    assert planted.found("names") == []
    planted.write("product.toml", PRODUCT.replace("Acme Orders", "Beta").replace("acme-orders", "beta"))
    assert planted.found("names") == [
        (
            ".copier-answers.yml says name Acme Orders, product.toml Beta",
            "write Beta in .copier-answers.yml: make update reads it",
        ),
        (
            ".copier-answers.yml says slug acme-orders, product.toml beta",
            "write beta in .copier-answers.yml: make update reads it",
        ),
        (
            "docs/api/public.v1.yaml has the title 'Acme Orders: Public', product.toml the name Beta",
            'make manage ARGS="zones schema --write"',
        ),
        (
            "AGENTS.md has the title Acme Orders: instructions, product.toml the name Beta",
            ".venv/bin/python scripts/agents.py --write",
        ),
        ("README.md has the title Acme Orders, product.toml the name Beta", "edit its title"),
    ]


def test_the_report_needs_nothing_installed(tmp_path: Path) -> None:
    for name in (
        "scripts/doctor.py",
        "scripts/doctor_checks.py",
        "scripts/bootstrap.py",
        "scripts/dotenv.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "infrastructure").mkdir()
    shutil.copy(ROOT / "infrastructure" / "dot_env.py", tmp_path / "infrastructure")
    (tmp_path / "product.toml").write_text(PRODUCT)
    environ = {"PATH": os.environ["PATH"], "PIP_INDEX_URL": "http://127.0.0.1:1/"}
    command = [sys.executable, "-I", "-S", "scripts/doctor.py"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )

    done = run("--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["findings"]) == (0, [])
    assert report["not_checked"]["environment"] == "nothing is installed yet: make venv"
    assert {*report["passed"]} >= {"python", "names", "stack"}
    (tmp_path / "README.md").write_text("# Another\n")
    done = run()
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == [
        "names: README.md has the title Another, product.toml the name Acme Orders",
        "    → edit its title",
    ]
    done = run("--json")
    assert done.returncode == 1
    assert [finding["check"] for finding in json.loads(done.stdout)["findings"]] == ["names"]
    assert run("--help").returncode == 2
