"""Runs the browser tests of every slice in headless Chromium, with two users and one server: `make browser-test`.

A slice takes part with `tests/browser/chapters.py`: `CHAPTERS` are functions that take a `Journey`, `NEEDS` names slices
whose chapters run first, and without which these do not run. The chapters of a slice start with signed-out browsers and
may build on each other. The journey brings its own PostgreSQL, Valkey and server and takes about two minutes. The first failure
ends it, with screenshots of both browsers. `--pictures FOLDER` saves the pictures of the README.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

import httpx

from apps.common.tests.browser import stack
from apps.common.tests.browser.driver import Browser, BrowserError, browsers

ACCESS_SECONDS: Final = 24  # so short that tokens are renewed several times during the journey
MODULE: Final = "tests/browser/chapters.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Two browsers, the server that they use, and the folder for pictures of the README."""

    ada: Browser
    carol: Browser
    server: stack.Stack
    pictures: Path | None

    @property
    def both(self) -> tuple[Browser, Browser]:
        """Both browsers."""
        return self.ada, self.carol


Chapter = Callable[[Journey], None]


def slices_in_order() -> Iterator[tuple[str, ModuleType]]:
    """The label and the chapters' module of each slice that has one, after those that it names in `NEEDS`."""
    waiting = {
        path.parents[2].name: importlib.import_module(f"apps.{path.parents[2].name}.tests.browser.chapters")
        for path in sorted(stack.ROOT.glob(f"apps/*/{MODULE}"))
    }
    done: set[str] = set()
    while ready := [name for name, module in waiting.items() if done.issuperset(module.NEEDS)]:
        yield ready[0], waiting.pop(ready[0])
        done.add(ready[0])


def reset(journey: Journey) -> None:
    """Sign out in both browsers, at the usual size and in light colors."""
    for browser in journey.both:
        browser.go("about:blank")
        browser.go(journey.server.url + "/healthz")
        browser.run("sessionStorage.clear(); localStorage.clear()")
        browser.go("about:blank")
        browser.resize(1280, 800)
        browser.prefer(prefers_color_scheme="light")
        browser.complaints()


def run(journey: Journey, chapter: Chapter, failures: Path) -> bool:
    """Run one chapter. Returns False after a failure, with screenshots in the folder."""
    began = time.monotonic()
    name = chapter.__name__.replace("_", " ")
    try:
        chapter(journey)
    except (AssertionError, BrowserError, httpx.HTTPError, subprocess.SubprocessError) as error:
        log = shutil.copy(journey.server.log, failures / "server.log")
        sys.stdout.write(f"FAILED  {name}\n  {log}\n{''.join(traceback.format_exception(error, limit=-3))}")
        for who, browser in zip(("ada", "carol"), journey.both, strict=True):
            browser.picture(failures / f"{who}.png")
            sys.stdout.write(f"  {failures / who}.png\n")
            sys.stdout.writelines(
                f"    {line}\n" for line in browser.complaints() if "CONNECTION_REFUSED" not in line
            )
        return False
    sys.stdout.write(f"ok  {time.monotonic() - began:5.1f} s  {name}\n")
    sys.stdout.flush()
    return True


def main() -> int:
    """Run the journey. Returns 0 if every chapter passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slices", nargs="*", help="only the chapters of these slices")
    parser.add_argument("--pictures", type=Path, help="save pictures of the console into this folder")
    parser.add_argument(
        "--failures",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="the folder for screenshots of a failure",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="browser-journey-") as folder:
        try:
            with (
                browsers(2) as (ada, carol),
                stack.running(Path(folder), access_seconds=ACCESS_SECONDS) as server,
            ):
                journey = Journey(ada=ada, carol=carol, server=server, pictures=arguments.pictures)
                for label, module in slices_in_order():
                    if arguments.slices and label not in arguments.slices:
                        continue
                    sys.stdout.write(f"{label}\n")
                    reset(journey)
                    if not all(run(journey, chapter, arguments.failures) for chapter in module.CHAPTERS):
                        return 1
        except BrowserError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
