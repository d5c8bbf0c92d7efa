"""The generated packages against a live server, in Node, in Python and in a browser: `make clients-test`.

Needs the generators (`make clients-tools`), Chromium and its driver; starts its own PostgreSQL, Valkey and server. Takes
about a minute and ends at the first failure. Slices take part by what they have in `tests/clients/`:

- `live/`: TypeScript and Python files that use the packages, copied side by side as `<slice>/<file>`, type-checked in
  strict mode; those named `calls` are run;
- `chapters.py`: `CHAPTERS`, functions that take a Journey.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

from apps.api.clients import manifest, tools
from apps.api.tests.clients.harness import (
    DEMO_PASSWORD,
    PACKAGES,
    ROOT,
    Broken,
    Journey,
    run,
    zones_clients,
)
from apps.common.tests.browser import stack
from apps.common.tests.browser.driver import BrowserError, browsers
from infrastructure.product import PRODUCT

Chapter = Callable[[Journey], None]
_LANGUAGES: Final = [
    part for language in ("typescript", "python", "browser") for part in ("--language", language)
]


def same_bytes_without_network(journey: Journey) -> None:
    zones_clients("--output", str(PACKAGES), *_LANGUAGES)
    first = {str(path): path.read_bytes() for path in PACKAGES.rglob("*") if path.is_file()}
    assert len(list(manifest.folders(PACKAGES))) == len(_zones()) * 2 + 1
    shutil.rmtree(PACKAGES)
    zones_clients("--output", str(PACKAGES), *_LANGUAGES, prefix=_without_network())
    assert {str(path): path.read_bytes() for path in PACKAGES.rglob("*") if path.is_file()} == first


def _without_network() -> tuple[str, ...]:
    """A command that takes the network away, where the machine allows it."""
    prefix = ("unshare", "--net", "--map-root-user")
    try:
        allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        sys.stdout.write("          (no network namespaces on this machine: generated with the network)\n")
    return prefix if allowed else ()


def _zones() -> list[str]:
    return sorted(path.name for path in (PACKAGES / "typescript").iterdir())


def _python_package(zone: str) -> Path:
    return PACKAGES / "python" / zone / f"{PRODUCT.identifier}_{zone}_client"


def calls_are_copied(journey: Journey) -> None:
    """Set up the workspace, with the packages installed as npm would link them."""
    modules = journey.workspace / "node_modules"
    modules.mkdir(parents=True)
    for zone in _zones():
        # The calls of slices import them by names that a renamed product keeps; the READMEs name them in full.
        for name in (f"{zone}-client", f"{PRODUCT.slug}-{zone}-client"):
            (modules / name).symlink_to(PACKAGES / "typescript" / zone)
        alias = journey.folder / "aliases" / f"{zone}_client"
        alias.parent.mkdir(exist_ok=True)
        alias.symlink_to(_python_package(zone))
    for name in ("@types", "undici-types"):
        (modules / name).symlink_to(tools.FOLDER / "node_modules" / name)
    for folder in sorted(ROOT.glob("apps/*/tests/clients/live")):
        shutil.copytree(folder, journey.workspace / folder.parents[2].name)
    for language, ending in (("typescript", "ts"), ("python", "py")):
        for readme in (PACKAGES / language).glob("*/README.md"):
            _copy_example(readme, ending, journey.workspace)


def _copy_example(readme: Path, ending: str, folder: Path) -> None:
    """Write the code of a README into one file, as a reader would put it together."""
    parts = readme.read_text().split({"ts": "```ts\n", "py": "```python\n"}[ending])[1:]
    text = "\n".join(part.partition("```")[0] for part in parts)
    (folder / f"readme_{readme.parent.name}.{ending}").write_text(text)


def typescript_is_strict(journey: Journey) -> None:
    config = json.loads((PACKAGES / "typescript" / "private" / "tsconfig.json").read_text())
    options = config["compilerOptions"]
    del options["rootDir"], options["outDir"], options["declaration"]
    options |= {"types": ["node"], "noEmit": True, "allowImportingTsExtensions": True}
    config = {"compilerOptions": options, "include": ["*.ts", "*/*.ts"]}
    (journey.workspace / "package.json").write_text('{"type": "module"}\n')
    (journey.workspace / "tsconfig.json").write_text(json.dumps(config))
    compiler = tools.FOLDER / "node_modules" / "tsc" / "bin" / "tsc"
    run(tools.node(), compiler, "-p", journey.workspace)


def python_is_strict(journey: Journey) -> None:
    modules = [path for path in journey.workspace.glob("**/*.py") if "node_modules" not in path.parts]
    run(
        *(sys.executable, "-m", "mypy", "--config-file=", "--strict", "--no-error-summary"),
        *("--python-executable", tools.python(), "--cache-dir", journey.folder / "mypy"),
        "--explicit-package-bases",
        *(_python_package(zone) for zone in _zones()),
        *modules,
        settings={"MYPYPATH": _python_path(journey)},
    )


def _python_path(journey: Journey) -> str:
    folders = [
        journey.workspace,
        journey.folder / "aliases",
        *(PACKAGES / "python" / zone for zone in _zones()),
    ]
    return os.pathsep.join(map(str, folders))


def _credentials(server: stack.Stack) -> dict[str, str]:
    command = ("zones", "keys", "create", "clients-test", "--scope", "*", "--format", "json")
    made = run(sys.executable, "manage.py", *command, settings=server._environment)
    return {
        "BASE_URL": server.url,
        "SERVICE_KEY": json.loads(made)["key"],
        "ADMIN_PASSWORD": DEMO_PASSWORD,
    }


def typescript_calls(journey: Journey) -> None:
    files = sorted(journey.workspace.glob("*/calls.ts"))
    assert files
    run(tools.node(), "--test", *files, cwd=journey.workspace, settings=_credentials(journey.server))


def python_calls(journey: Journey) -> None:
    modules = [f"{path.parent.name}.calls" for path in sorted(journey.workspace.glob("*/calls.py"))]
    assert modules
    settings = {**_credentials(journey.server), "PYTHONPATH": _python_path(journey)}
    run(tools.python(), "-m", "unittest", *modules, cwd=journey.workspace, settings=settings)


CHAPTERS: Final[tuple[Chapter, ...]] = (
    same_bytes_without_network,
    calls_are_copied,
    typescript_is_strict,
    python_is_strict,
    typescript_calls,
    python_calls,
)


def chapters() -> Iterator[Chapter]:
    """Those of the journey itself, then those of the slices."""
    yield from CHAPTERS
    for path in sorted(ROOT.glob("apps/*/tests/clients/chapters.py")):
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        yield from module.CHAPTERS


def travel(journey: Journey) -> int:
    """Run all chapters in order. Returns the number of passed ones. Raises Broken at the first that fails."""
    passed = 0
    for chapter in chapters():
        began = time.monotonic()
        name = chapter.__name__.replace("_", " ")
        try:
            chapter(journey)
        except (AssertionError, Broken, BrowserError) as error:
            log = journey.server.log.read_text()[-3000:]
            raise Broken(f"BROKEN  {name}\n{error!r}\n{error}\n{log}") from error
        sys.stdout.write(f"ok  {time.monotonic() - began:5.1f} s  {name}\n")
        sys.stdout.flush()
        passed += 1
    return passed


def main() -> int:
    """Exit code 0 when every chapter passed, 1 when one failed, 2 without a browser."""
    with tempfile.TemporaryDirectory(prefix="clients-journey-") as name:
        folder = Path(name)
        try:
            with browsers(1) as (browser,), stack.running(folder, access_seconds=600) as server:
                passed = travel(Journey(server=server, browser=browser, folder=folder))
        except Broken as broken:
            sys.stdout.write(f"{broken}\n0 passed, 1 failed\n")
            return 1
        except BrowserError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        finally:
            shutil.rmtree(PACKAGES, ignore_errors=True)
    sys.stdout.write(f"{passed} passed, 0 failed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
