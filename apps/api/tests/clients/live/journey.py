"""The client packages as they are generated, against a live server, in Node, in Python and in a browser.

`make clients-test` runs it: it needs the generators (`make clients-tools`), Chromium and its driver, brings its own
PostgreSQL, Valkey and server, and takes about a minute. The first thing that does not hold ends it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from apps.api.clients import manifest, tools
from apps.api.tests.clients.live import sockets
from apps.common.tests.browser import stack
from apps.common.tests.browser.driver import Browser, BrowserError, browsers

ROOT: Final = tools.ROOT
HERE: Final = Path(__file__).parent
# A generation of its own: what somebody has made in clients/ stays as it is.
PACKAGES: Final = ROOT / "clients" / "live"
ZONES: Final = ("public", "private", "internal", "admin")
CONSOLE: Final = (
    "--language",
    "browser",
    "--zone",
    "public",
    "--zone",
    "private",
    "--sync",
    "apps/console/static/console/client",
)
_PATIENCE: Final = 180
_NOWHERE: Final = {
    "DJANGO_SETTINGS_MODULE": "config.settings.development",
    "DATABASE_URL": "postgres://sarsen@127.0.0.1:1/sarsen",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


class Broken(Exception):
    """Something does not hold; the message is what was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A server, a browser, and a folder for what is written on the way."""

    server: stack.Stack
    browser: Browser
    folder: Path


def run(*command: str | Path, cwd: Path = ROOT, settings: Mapping[str, str] = MappingProxyType({})) -> str:
    """What a command printed. Raises Broken with it when the command fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **settings},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        raise Broken(f"{' '.join(map(str, command[:4]))} …\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def zones_clients(*arguments: str, before: tuple[str, ...] = ()) -> None:
    """`manage.py zones clients`, without servers."""
    run(*before, sys.executable, "manage.py", "zones", "clients", *arguments, settings=_NOWHERE)


def the_same_bytes_come_again_without_a_network(journey: Journey) -> None:
    zones_clients("--output", str(PACKAGES))
    first = {str(path): path.read_bytes() for path in PACKAGES.rglob("*") if path.is_file()}
    assert len(list(manifest.folders(PACKAGES))) == len(ZONES) * 2
    shutil.rmtree(PACKAGES)
    zones_clients("--output", str(PACKAGES), before=_without_network())
    assert {str(path): path.read_bytes() for path in PACKAGES.rglob("*") if path.is_file()} == first


def _without_network() -> tuple[str, ...]:
    """A prefix that takes the network away, where the machine lets us."""
    prefix = ("unshare", "--net", "--map-root-user")
    try:
        allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        sys.stdout.write(
            "          (this machine does not let the network be taken away: made again with it)\n"
        )
    return prefix if allowed else ()


def what_is_committed_is_up_to_date(journey: Journey) -> None:
    try:
        zones_clients(*CONSOLE, "--check")
    except Broken as broken:
        raise Broken(f"{broken}\nmake console-client, and commit what it writes.") from broken


def typescript_is_strict(journey: Journey) -> None:
    workspace = _workspace(journey)
    for zone in ZONES:
        _examples(PACKAGES / "typescript" / zone / "README.md", "ts", workspace)
    compiler = tools.FOLDER / "node_modules" / "tsc" / "bin" / "tsc"
    run(tools.node(), compiler, "-p", workspace, "--noEmit")


def python_is_strict(journey: Journey) -> None:
    examples = journey.folder / "examples"
    for zone in ZONES:
        _examples(PACKAGES / "python" / zone / "README.md", "python", examples)
    run(
        *(sys.executable, "-m", "mypy", "--config-file=", "--strict", "--no-error-summary"),
        *("--python-executable", tools.python(), "--cache-dir", journey.folder / "mypy"),
        *(PACKAGES / "python" / zone / f"sarsen_{zone}_client" for zone in ZONES),
        *(HERE / "calls.py", *sorted(examples.glob("*.py"))),
        settings={"MYPYPATH": _python_path()},
    )


def _examples(readme: Path, language: str, folder: Path) -> None:
    """The README's code as one file, as a reader would put it together."""
    folder.mkdir(exist_ok=True)
    parts = readme.read_text().split(f"```{language}\n")[1:]
    ending = {"ts": "ts", "python": "py"}[language]
    text = "\n".join(part.partition("```")[0] for part in parts)
    (folder / f"readme_{readme.parent.name}.{ending}").write_text(text)


def _workspace(journey: Journey) -> Path:
    """A folder that has the packages installed, as npm would link them."""
    workspace = journey.folder / "workspace"
    modules = workspace / "node_modules"
    modules.mkdir(parents=True)
    for zone in ZONES:
        (modules / f"sarsen-{zone}-client").symlink_to(PACKAGES / "typescript" / zone)
    for name in ("@types", "undici-types"):
        (modules / name).symlink_to(tools.FOLDER / "node_modules" / name)
    shutil.copyfile(HERE / "calls.ts", workspace / "calls.ts")
    (workspace / "package.json").write_text('{"type": "module"}\n')
    options = json.loads((PACKAGES / "typescript" / "private" / "tsconfig.json").read_text())[
        "compilerOptions"
    ]
    del options["rootDir"], options["outDir"], options["declaration"]
    options["types"] = ["node"]
    (workspace / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*.ts"]}))
    return workspace


def _python_path() -> str:
    return os.pathsep.join(str(PACKAGES / "python" / zone) for zone in ZONES)


def _credentials(server: stack.Stack) -> dict[str, str]:
    made = run(
        *(
            sys.executable,
            "manage.py",
            "zones",
            "keys",
            "create",
            "clients-test",
            "--scope",
            "*",
            "--format",
            "json",
        ),
        settings=server._environment,
    )
    return {
        "BASE_URL": server.url,
        "SERVICE_KEY": json.loads(made)["key"],
        "ADMIN_PASSWORD": sockets.PASSWORD,
    }


def typescript_does_what_it_says(journey: Journey) -> None:
    workspace = journey.folder / "workspace"
    run(tools.node(), "--test", "calls.ts", cwd=workspace, settings=_credentials(journey.server))


def python_does_what_it_says(journey: Journey) -> None:
    settings = {**_credentials(journey.server), "PYTHONPATH": _python_path()}
    run(tools.python(), HERE / "calls.py", settings=settings)


def sockets_outlive_a_killed_server(journey: Journey) -> None:
    sockets.outlive_kills(journey.server, journey.browser, PACKAGES / "python" / "private")


def sockets_stop_when_the_session_ends(journey: Journey) -> None:
    sockets.stop_with_the_session(journey.server, journey.browser)


CHAPTERS: Final[tuple[Callable[[Journey], None], ...]] = (
    the_same_bytes_come_again_without_a_network,
    typescript_is_strict,
    python_is_strict,
    typescript_does_what_it_says,
    python_does_what_it_says,
    sockets_outlive_a_killed_server,
    sockets_stop_when_the_session_ends,
    what_is_committed_is_up_to_date,
)


def travel(journey: Journey) -> bool:
    """Run all chapters in order. False when one broke."""
    for chapter in CHAPTERS:
        began = time.monotonic()
        name = chapter.__name__.replace("_", " ")
        try:
            chapter(journey)
        except (AssertionError, Broken, BrowserError) as error:
            sys.stdout.write(f"BROKEN  {name}\n{error}\n{journey.server.log.read_text()[-3000:]}\n")
            return False
        sys.stdout.write(f"ok  {time.monotonic() - began:5.1f} s  {name}\n")
        sys.stdout.flush()
    return True


def main() -> int:
    """0 when everything held."""
    with tempfile.TemporaryDirectory(prefix="clients-journey-") as name:
        folder = Path(name)
        try:
            with browsers(1) as (browser,), stack.running(folder, access_seconds=600) as server:
                held = travel(Journey(server=server, browser=browser, folder=folder))
        except BrowserError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        finally:
            shutil.rmtree(PACKAGES, ignore_errors=True)
    sys.stdout.write(f"{len(CHAPTERS)} passed, 0 failed\n" if held else "0 passed, 1 failed\n")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
