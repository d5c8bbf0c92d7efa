"""Takes slices out of a copy of the project, and tries what is left.

    python scripts/removal.py                        every combination that the slices' needs allow: `make check`, the
                                                     collection of all tests, a start, and answers
    python scripts/removal.py chat audit             this one
    python scripts/removal.py --suite chat audit     the suite of this one, without campaigns

A slice is removed by its folder and its line of `config/zones.py`; then what is generated is generated anew.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
# Accounts and what slices share are not for removal.
KEPT = frozenset({"api", "common", "users"})
START_SECONDS = 120


def needs() -> dict[str, set[str]]:
    """The slices that can be removed, each with those that it cannot do without, as its `apps.py` declares."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "apps").glob("*/apps.py")):
        label = path.parent.name
        if label not in KEPT:
            found[label] = set()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "needs":
                    found[label] = set(ast.literal_eval(node.value)) - KEPT
    return found


def combinations() -> Iterator[tuple[str, ...]]:
    """Every set of slices that can be removed together: with a slice, those that need it are removed."""
    table = needs()
    for count in range(1, len(table) + 1):
        for removed in itertools.combinations(table, count):
            if not any(table[kept] & set(removed) for kept in set(table) - set(removed)):
                yield removed


def take_out(folder: Path, removed: Sequence[str]) -> None:
    """Remove slices from a tree: their folders, and their lines of `config/zones.py`."""
    if not removed:
        return
    for label in removed:
        shutil.rmtree(folder / "apps" / label, ignore_errors=True)
    zones = folder / "config" / "zones.py"
    lines = zones.read_text(encoding="utf-8").splitlines(keepends=True)
    gone = re.compile(rf'    "({"|".join(removed)})": ')
    zones.write_text("".join(line for line in lines if not gone.match(line)), encoding="utf-8")


def copy_without(removed: Sequence[str], folder: Path) -> None:
    """Copy the project into an empty folder, without these slices."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        if (ROOT / name).is_file() and not name.startswith(tuple(f"apps/{label}/" for label in removed)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    take_out(folder, removed)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
    # For the checks that ask git what belongs to the project; nothing is committed.
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


class Rest:
    """The rest of the project after the removal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
        }

    def run(self, *arguments: str, **more: str) -> None:
        """Run a Python command. Raises SystemExit with what it said when it fails."""
        done = subprocess.run(
            [PYTHON, *arguments],
            cwd=self.folder,
            env=self.environment | {"DJANGO_READ_DOT_ENV": "0"} | more,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-6000:]}")

    def regenerate(self) -> None:
        """Write what follows from which slices there are."""
        nowhere = {
            "DATABASE_URL": "postgres://x@127.0.0.1:1/x",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
        }
        self.run("manage.py", "zones", "schema", "--write", **nowhere)
        self.run("scripts/variables.py", "--write")
        self.run("scripts/agents.py", "--write")

    def start(self) -> None:
        """Start the stack as `make run` does, ask it, and stop it. Raises SystemExit when it does not answer."""
        log = self.folder / "run.log"
        port = _free_port()
        with log.open("wb") as out:
            command = [str(PYTHON), "-m", "infrastructure.embedded", "run", "--port", str(port)]
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )
        try:
            deadline = time.monotonic() + START_SECONDS
            while _status(port, "/readyz") != 200:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"it does not start:\n{log.read_text()[-6000:]}")
                time.sleep(0.2)
            expected = {
                "/api/": 200,
                "/api/private/schema.json": 200,
                "/api/private/v1/users/me/": 401,
                "/": 200 if (self.folder / "apps/console").is_dir() else 404,
            }
            answers = {path: _status(port, path) for path in expected}
            if answers != expected:
                raise SystemExit(f"it answers {answers}, not {expected}")
            schema = _read(port, "/api/private/schema.json")
            for label in ("chat", "notifications"):
                if (f"/{label}/" in schema) is not (self.folder / "apps" / label).is_dir():
                    raise SystemExit(f"the schema of the private zone is wrong about {label}")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
            subprocess.run(
                [PYTHON, "-m", "infrastructure.embedded", "clean", "--yes"],
                cwd=self.folder, env=self.environment, check=False, capture_output=True,
            )  # fmt: skip


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def _status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def try_without(removed: Sequence[str], *, suite: bool) -> None:
    """Raises SystemExit when what is left does not hold."""
    with tempfile.TemporaryDirectory(prefix="without-") as name:
        folder = Path(name)
        copy_without(removed, folder)
        rest = Rest(folder)
        begun = time.monotonic()
        rest.regenerate()
        if not suite:
            rest.run("scripts/check.py")
            rest.run("-m", "pytest", "--collect-only", "-q")
            rest.start()
        else:
            # Without coverage, whose bar is for the whole project.
            parallel = [
                "-q",
                "-m",
                "not campaign",
                "-n",
                str((os.cpu_count() or 1) + 1),
                "--dist",
                "worksteal",
            ]
            done = subprocess.run(
                [PYTHON, "-m", "pytest", *parallel], cwd=folder, env=rest.environment, check=False
            ).returncode
            if done:
                raise SystemExit(f"the suite without {', '.join(removed)} fails")
        print(f"ok    without {', '.join(removed):<40} {time.monotonic() - begun:5.1f} s", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Try one combination, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("slices", nargs="*", choices=[*needs(), []])
    parser.add_argument("--suite", action="store_true", help="run the suite of what is left instead")
    options = parser.parse_args(arguments)
    allowed = list(combinations())
    wanted = [tuple(label for label in needs() if label in options.slices)] if options.slices else allowed
    if unfit := [removed for removed in wanted if removed not in allowed]:
        print(f"{', '.join(unfit[0])} cannot be removed alone: another slice needs one of them")
        return 2
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tries = [pool.submit(try_without, removed, suite=options.suite) for removed in wanted]
        for attempt in tries:
            attempt.result()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
