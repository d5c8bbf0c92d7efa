"""Takes slices out of copies of the project, and tries what is left, on a database that has run with them.

python scripts/removal_test.py                       every combination that the slices' needs allow: `make check`, the
                                                     collection of all tests, a start, answers, and no leftovers
python scripts/removal_test.py chat audit            this one
python scripts/removal_test.py --suite chat audit    the suite of this one, without campaigns
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from infrastructure.embedded import servers
from infrastructure.embedded.postgres import free_port
from scripts import removal
from scripts.removal import PYTHON, ROOT, needs

START_SECONDS = 120


def combinations() -> Iterator[tuple[str, ...]]:
    """Every set of slices that can be removed together: with a slice, those that need it are removed."""
    table = needs()
    for count in range(1, len(table) + 1):
        for removed in itertools.combinations(table, count):
            if not any(table[kept] & set(removed) for kept in set(table) - set(removed)):
                yield removed


def copy_without(removed: Sequence[str], folder: Path) -> None:
    """Copy the project into an empty folder, without these slices."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    removal.take_out(folder, removed)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
    # For the checks that ask git what belongs to the project; nothing is committed.
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


class Trial(removal.Rest):
    """A copy of the project without some slices, and its own servers."""

    def __init__(self, folder: Path, urls: dict[str, str]) -> None:
        super().__init__(folder)
        self.urls = urls

    def start(self) -> None:
        """Start the stack as `make run` does, ask it, and stop it. Raises SystemExit when it does not answer."""
        log = self.folder / "run.log"
        port = free_port()
        with log.open("wb") as out:
            command = [str(PYTHON), "-m", "infrastructure.embedded", "run", "--port", str(port)]
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment | self.urls,
                stdout=out,
                stderr=out,
                start_new_session=True,
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


@contextlib.contextmanager
def used_servers() -> Iterator[Callable[[], dict[str, str]]]:
    """Servers of a database that has run with every slice. Yields what makes the addresses of a copy of it."""
    with servers.throwaway({}) as started:
        url, cache = started.urls["DATABASE_URL"], started.urls["REDIS_URL"].rpartition("/")[0]
        numbers = itertools.count(1)

        def make(template: str) -> dict[str, str]:
            number = next(numbers)
            with psycopg.connect(url, autocommit=True) as server:
                server.execute(f"CREATE DATABASE used_{number} TEMPLATE {template}")
            return {
                "DATABASE_URL": f"{url.rpartition('/')[0]}/used_{number}",
                "REDIS_URL": f"{cache}/{number}",
            }

        removal.Rest(ROOT).run("scripts/used_database.py", "fill", **make("template1"))
        yield lambda: make("used_1")


def try_without(
    removed: Sequence[str],
    held: Mapping[str, Mapping[str, Any]],
    make_urls: Callable[[], dict[str, str]],
    *,
    suite: bool,
) -> None:
    """Raises SystemExit when what is left does not hold."""
    with tempfile.TemporaryDirectory(prefix="without-") as name:
        folder = Path(name)
        copy_without(removed, folder)
        for label in removed:
            removal.write_migration(folder, label, held[label], keep=False)
        rest = Trial(folder, make_urls())
        begun = time.monotonic()
        rest.regenerate()
        if not suite:
            rest.run("scripts/check.py")
            rest.run("-m", "pytest", "--collect-only", "-q")
            rest.start()
            rest.run("scripts/used_database.py", "check", *removed, **rest.urls)
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
    held = removal.inventory(sorted({label for removed in wanted for label in removed}))
    with used_servers() as make_urls, ThreadPoolExecutor(os.cpu_count()) as pool:
        tries = [
            pool.submit(try_without, removed, held, make_urls, suite=options.suite) for removed in wanted
        ]
        for attempt in tries:
            attempt.result()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
