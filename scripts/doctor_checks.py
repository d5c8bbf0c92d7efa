"""The checks of `make doctor`, each with its problems and their remedies. Standard library only."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import bootstrap  # noqa: E402

from infrastructure import dot_env  # noqa: E402
from scripts import dotenv  # noqa: E402

LEAST_FREE = 1 << 30  # bytes: the environment takes about half of it, the databases the rest
MOST_SKEW = 60  # seconds: one-time codes are good for 30, tokens are issued and checked by several machines
PATIENCE = 5  # seconds for an answer over the network
INDEX = "https://pypi.org/simple/"
ANSWERS = ".copier-answers.yml"
_RELEASE = re.compile(r"v?(\d+(?:\.\d+)+)")


class NotChecked(Exception):
    """A check needs something that is not there, which is no fault by itself."""


@dataclass(frozen=True)
class Checkout:
    """The subject of the checks."""

    root: Path = ROOT
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    python: Path | None = None
    """The interpreter of the environment; by default that of `.venv`."""

    def text(self, name: str) -> str:
        """The content of a file; empty without one."""
        path = self.root / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def git(self, *arguments: str) -> str:
        """The output of a git command. Raises NotChecked where git cannot say."""
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self.root,
                env={**self.environ, "GIT_TERMINAL_PROMPT": "0"},
                capture_output=True,
                text=True,
                check=False,
                timeout=4 * PATIENCE,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotChecked(f"git {arguments[0]}: {error}") from error
        if done.returncode:
            raise NotChecked(f"git {arguments[0]}: {done.stderr.strip() or 'failed'}")
        return done.stdout

    def variables(self) -> dict[str, str]:
        """Those of .env, and over them those of the process. Raises NotChecked for a file that cannot be read."""
        try:
            return {**dot_env.read(self.root / ".env"), **self.environ}
        except dot_env.DotEnvError as error:
            raise NotChecked(str(error)) from error

    def running(self) -> tuple[dict[str, object] | None, bool]:
        """The state that `make run` stored, and whether it still runs."""
        folder = self.root / ".data"
        try:
            note = json.loads((folder / "running.json").read_text(encoding="utf-8"))
            with (folder / "running.lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return note, True
        except (OSError, ValueError):
            return None, False
        return note, False


Found = Iterator[tuple[str, str]]


def python(checkout: Checkout) -> Found:
    """A Python that can build the environment, and an environment that follows the lock."""
    try:
        bootstrap.choose_interpreter(checkout.environ.get("PYTHON", ""))
    except bootstrap.Failure as failure:
        problem, _, remedy = str(failure).partition(": ")
        yield problem, remedy


def environment(checkout: Checkout) -> Found:
    """The environment holds what the lock pins."""
    folder = checkout.root / ".venv"
    if not folder.exists():
        raise NotChecked("nothing is installed yet: make venv")
    lock = checkout.text("requirements/development.txt").encode()
    try:
        stamp = json.loads((folder / "bootstrap.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        yield ".venv was made by something else", "rm -rf .venv && make venv"
        return
    if stamp.get("root") != str(checkout.root):
        yield f".venv was made for {stamp.get('root')}", "make venv"
    elif stamp.get("lock") != hashlib.sha256(lock).hexdigest() or stamp.get("state") != "ready":
        yield ".venv does not hold what requirements/development.txt pins", "make venv"


def ports(checkout: Checkout) -> Found:
    """The port of `make run` is free, or has our own server."""
    given = checkout.environ.get("PORT") or "8000"
    if not re.fullmatch(r"\d{1,5}", given) or not 0 < int(given) < 1 << 16:
        yield f"PORT={given} is no port", "name one from 1 to 65535"
        return
    port = int(given)
    note, is_running = checkout.running()
    if is_running and note and urlsplit(str(note["site"])).port == port:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            yield (
                f"port {port} cannot be used: {error.strerror}",
                f"stop what uses it, or make run PORT={port + 1}",
            )


def stack(checkout: Checkout) -> Found:
    """A running stack answers, and a stopped one left nothing behind."""
    note, is_running = checkout.running()
    if note is None:
        return
    if not is_running:
        yield (
            f"`make run` (process {note['pid']}) was killed and could not clean up",
            "make run, which starts anew",
        )
    elif note["site"]:
        try:
            urllib.request.urlopen(f"{note['site']}/healthz", timeout=PATIENCE).close()
        except (OSError, ValueError) as error:
            yield (
                f"{note['site']} does not answer ({error}), though `make run` (process {note['pid']}) is up",
                "read its log; stop it with Ctrl-C, then make run",
            )


def variables(checkout: Checkout) -> Found:
    """.env has what the declarations ask for, and nothing that nothing reads."""
    path = checkout.root / ".env"
    if not path.exists():
        raise NotChecked("there is no .env, which only docker compose needs: make env")
    try:
        given = dot_env.read(path)
    except dot_env.DotEnvError as error:
        yield str(error), "correct the line"
        return
    if path.stat().st_mode & 0o077:
        yield ".env can be read by other users of this machine", "chmod 600 .env"
    documented = re.findall(r"^\| `(\w+)` \|", checkout.text("docs/configuration.md"), re.MULTILINE)
    known = {*documented, *re.findall(r"\$\{(\w+)", checkout.text("docker-compose.yml"))}
    known |= {*re.findall(r"^#?(\w+)=", checkout.text(".env.example"), re.MULTILINE), *dotenv.values()}
    for name in sorted({*given} - known - {f"{name}_FILE" for name in known}):
        close = get_close_matches(name, known, n=1)
        yield (
            f".env sets {name}, which nothing reads",
            f"rename it to {close[0]}" if close else "remove the line",
        )
    if missing := [name for name in dotenv.values() if not given.get(name) and f"{name}_FILE" not in given]:
        yield f".env lacks {', '.join(missing)}", "make env, which adds what is missing"
    if samples := sorted(name for name, value in given.items() if "change-me" in value):
        yield (
            f".env has the sample value of {', '.join(samples)}",
            "empty these lines, then make env. Not for what an installation with data uses already",
        )


def servers(checkout: Checkout) -> Found:
    """PostgreSQL and Redis accept connections at the given addresses."""
    given = {name: checkout.variables().get(name, "") for name in ("DATABASE_URL", "REDIS_URL")}
    if not any(given.values()):
        raise NotChecked("DATABASE_URL and REDIS_URL are not set: make run starts servers of its own")
    for name, url in given.items():
        if not url:
            continue
        try:
            address = urlsplit(url)
            host, port = (
                address.hostname or "localhost",
                address.port or {"DATABASE_URL": 5432}.get(name, 6379),
            )
            socket.create_connection((host, port), timeout=PATIENCE).close()
        except ValueError:
            yield f"{name} is not a URL", "write it as docs/configuration.md says"
        except OSError as error:
            reason = error.strerror or str(error)
            yield (
                f"{name}: {host}:{port} cannot be reached: {reason}",
                f"start that server, or correct {name}",
            )


def migrations(checkout: Checkout) -> Found:
    """The database has all migrations."""
    program = checkout.python or checkout.root / ".venv" / "bin" / "python"
    if not program.exists():
        raise NotChecked("nothing is installed yet: make venv")
    given = checkout.variables()
    urls = {name: given[name] for name in ("DATABASE_URL", "REDIS_URL") if given.get(name)}
    note, is_running = checkout.running()
    if note and is_running:
        urls = {**note["urls"], **urls}  # type: ignore[dict-item]
    if len(urls) < 2:
        raise NotChecked("no servers run: make run applies migrations itself")
    done = subprocess.run(
        [program, "manage.py", "prepare", "--plan"],
        cwd=checkout.root,
        env={"DJANGO_SETTINGS_MODULE": "config.settings.development", **checkout.environ, **urls},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 3):
        raise NotChecked(f"manage.py prepare --plan: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    if pending := [line for line in done.stdout.splitlines() if re.match(r"\w+\.\d", line)]:
        yield f"pending migrations ({len(pending)}): {', '.join(pending[:5])}", "make migrate"


def template(checkout: Checkout) -> Found:
    """The product has the template's newest release."""
    answers = checkout.text(ANSWERS)
    if not answers:
        raise NotChecked("this is the template, or was not made by make init")
    has, source = (
        (re.findall(rf"^{key}: *(.+)$", answers, re.MULTILINE) or [""])[0].strip("'\"")
        for key in ("_commit", "_src_path")
    )
    names = re.findall(
        r"refs/tags/(\S+)$", checkout.git("ls-remote", "--tags", "--refs", source), re.MULTILINE
    )
    releases = [name for name in names if _RELEASE.fullmatch(name)]
    newest = max(releases, key=_numbers, default="")
    if newest and _numbers(newest) > _numbers(has):
        yield f"the template's release {newest} is out; this product has {has}", "make update"


def _numbers(release: str) -> tuple[int, ...]:
    found = _RELEASE.match(release)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def paths(checkout: Checkout) -> Found:
    """Nothing was edited that belongs to the template: `make init` removes it."""
    listed = [line for line in checkout.text("template/paths.txt").splitlines() if line and line[0] != "#"]
    if not listed:
        raise NotChecked("this is a product: the template's own paths are gone")
    try:
        base = checkout.git("merge-base", "HEAD", "@{upstream}").strip()
    except NotChecked:
        base = "HEAD"
    edited = checkout.git("diff", "--name-only", base, "--", *listed).splitlines()
    edited += checkout.git("ls-files", "--others", "--exclude-standard", "--", *listed).splitlines()
    if edited:
        yield (
            f"edited, though it belongs to the template and make init removes it: {', '.join(sorted(edited)[:8])}",
            "move what the product needs to another path; git restore the rest",
        )


def clock(checkout: Checkout) -> Found:
    """The clock agrees with the last commit and with the package index."""
    now = time.time()
    ahead = int(checkout.git("log", "-1", "--format=%ct").strip() or 0) - now
    if ahead > MOST_SKEW:
        yield (
            f"the clock is {ahead:.0f} s behind the last commit",
            "set the clock, or start a time service (NTP)",
        )
        return
    index = checkout.environ.get("PIP_INDEX_URL", INDEX)
    try:
        request = urllib.request.Request(index, method="HEAD")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            date = answer.headers["Date"]
    except urllib.error.HTTPError as error:
        date = error.headers["Date"]
    except (OSError, ValueError) as error:
        raise NotChecked(f"the package index did not answer: {error}") from error
    skew = now - parsedate_to_datetime(date).timestamp() if date else 0
    if abs(skew) > MOST_SKEW:
        side = "ahead of" if skew > 0 else "behind"
        yield (
            f"the clock is {abs(skew):.0f} s {side} {urlsplit(index).hostname}",
            "set the clock, or start a time service (NTP)",
        )


def disk(checkout: Checkout) -> Found:
    """Each disk that is written to has space."""
    for folder in {
        path.stat().st_dev: path for path in (Path(tempfile.gettempdir()), checkout.root)
    }.values():
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE:
            yield (
                f"{free / (1 << 20):.0f} MiB are free at {folder}",
                "free 1 GiB, for example with make clean in old checkouts",
            )


def names(checkout: Checkout) -> Found:
    """Everything that carries the product's name says what product.toml says."""
    identity = dict(re.findall(r'^(\w+) *= *"(.*?)"', checkout.text("product.toml"), re.MULTILINE))
    if not {"name", "slug", "domain"} <= {*identity}:
        yield "product.toml lacks name, slug or domain", "write them there, as docs/configuration.md says"
        return
    answers = dict(re.findall(r"^(\w+): *(.+)$", checkout.text(ANSWERS), re.MULTILINE))
    for key in ("name", "slug", "domain"):
        said = answers.get(key, "").strip("'\"")
        if said and said != identity[key]:
            yield (
                f"{ANSWERS} says {key} {said}, product.toml {identity[key]}",
                f"write {identity[key]} in {ANSWERS}: make update reads it",
            )
    for path in sorted((checkout.root / "docs" / "api").glob("*.yaml")):
        title = re.search(r"^  title: *(.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if title and not title[1].strip("'\"").startswith(identity["name"]):
            yield (
                f"docs/api/{path.name} has the title {title[1]}, product.toml the name {identity['name']}",
                'make manage ARGS="zones schema --write"',
            )
    for name, remedy in (
        ("AGENTS.md", ".venv/bin/python scripts/agents.py --write"),
        ("README.md", "edit its title"),
    ):
        heading = re.search(r"^# (.+)$", checkout.text(name), re.MULTILINE)
        if heading and not heading[1].startswith(identity["name"]):
            yield f"{name} has the title {heading[1]}, product.toml the name {identity['name']}", remedy


CHECKS: dict[str, Callable[[Checkout], Found]] = {
    check.__name__: check
    for check in (
        python, environment, ports, stack, variables, servers, migrations, template, paths, clock, disk, names,
    )
}  # fmt: skip
