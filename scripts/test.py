"""Runs the test suite in parallel: `make test`, `make test-all`, `make test CHANGED=1`.

    python scripts/test.py              without the tests that are marked as a campaign
    python scripts/test.py --all        all tests
    python scripts/test.py --changed    those of the first that a change since the branch left main can touch
    python scripts/test.py ARGUMENTS    pytest with these arguments: one process unless -n says otherwise

The first two measure coverage and apply its bar, to the whole and to the code of each slice.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("apps", "config", "infrastructure")
# One process more than cores: many tests wait for processes that start and stop.
PARALLEL = ("-n", str((os.cpu_count() or 1) + 1), "--dist", "worksteal")
QUICK = ("-m", "not campaign")
# Started only by campaigns, hence no part of what the quick suite has to cover.
SERVERS = "infrastructure/embedded/*"


def main(arguments: list[str]) -> int:
    """Run what the arguments ask for. Returns pytest's exit code, or that of the coverage bar."""
    if arguments == ["--changed"]:
        paths = touched(changed_files())
        if not paths:
            print("nothing has changed that a test could touch")
            return 0
        print("\n".join(paths), flush=True)
        return subprocess.call([sys.executable, "-m", "pytest", "-q", *PARALLEL, *QUICK, *paths], cwd=ROOT)
    if arguments not in ([], ["--all"]):
        return subprocess.call([sys.executable, "-m", "pytest", *arguments], cwd=ROOT)
    # A folder of its own for each run: two at once in one checkout must not count each other's lines.
    folder = Path(tempfile.mkdtemp(prefix="coverage-"))
    data = f"--data-file={folder / 'data'}"
    coverage = [sys.executable, "-m", "coverage"]
    chosen = PARALLEL if arguments else (*PARALLEL, *QUICK)
    try:
        # The first process is measured, too: it starts the servers, and it loads our plugin before any other.
        code = subprocess.call([*coverage, "run", data, "-m", "pytest", *chosen], cwd=ROOT)
        if code == 0:
            subprocess.run([*coverage, "combine", "--quiet", data, str(folder)], cwd=ROOT, check=True)
            left_out = [] if arguments else [f"--omit={omitted()}"]
            code = subprocess.call([*coverage, "report", data, *left_out], cwd=ROOT)
            report = folder / "coverage.json"
            written = [*coverage, "json", data, *left_out, "--quiet", "--fail-under=0", "-o", str(report)]
            subprocess.run(written, cwd=ROOT, check=True)
            lines, is_reached = slices(json.loads(report.read_text(encoding="utf-8"))["files"], bar())
            print("\n".join(lines))
            code = code or (0 if is_reached else 2)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return code


def slices(files: Mapping[str, Any], bar: float) -> tuple[list[str], bool]:
    """One line for each slice with the coverage of its code, without its tests, and whether all reach the bar.

    `files` is that of coverage's JSON report. A slice below the bar names the files that lack most.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for name, file in sorted(files.items()):
        apps, label, *rest = Path(name).parts
        if apps == "apps" and rest and not {"tests", "testing"} & {*rest}:
            of = file["summary"]
            count = of["num_statements"] + of.get("num_branches", 0)
            run = of["covered_lines"] + of.get("covered_branches", 0)
            found.setdefault(label, {})[name] = (count, count - run)
    lines, is_reached = [], True
    for label, counts in found.items():
        total, lacking = (sum(numbers) for numbers in zip(*counts.values(), strict=True))
        percent = 100 * (total - lacking) / total if total else 100
        line = f"apps/{label:<24} {percent:5.1f} %"
        if percent < bar:
            is_reached = False
            worst = sorted(counts, key=lambda name: -counts[name][1])[:3]
            shown = ", ".join(f"{name} ({counts[name][1]})" for name in worst)
            line += f"  FAIL: below {bar:g} %; lines and branches that no test runs: {shown}"
        lines.append(line)
    return lines, is_reached


def bar() -> float:
    """The least coverage in percent, of the whole and of each slice."""
    return float(_coverage_settings()["report"]["fail_under"])


def omitted() -> str:
    """Files that the report of the quick suite omits, besides those that every report omits."""
    return ",".join([*_coverage_settings()["run"]["omit"], SERVERS])


def _coverage_settings() -> dict[str, Any]:
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, Any] = settings["tool"]["coverage"]
    return found


def changed_files() -> list[str]:
    """The files that differ from where this branch left main, new and uncommitted ones included."""

    def git(*arguments: str) -> list[str]:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.splitlines()

    base = next(iter(git("merge-base", "HEAD", "main")), "HEAD")
    return sorted({*git("diff", "--name-only", base), *git("ls-files", "--others", "--exclude-standard")})


def touched(files: Iterable[str]) -> list[str]:
    """The test files and folders that a change of some files can touch.

    Those of the changed file's own package, which may reach it by URL, and every test that imports it, however indirectly.
    """
    import grimp

    inside = [Path(name) for name in files if name.partition("/")[0] in PACKAGES and name.count("/")]
    if not inside:
        return []
    graph = grimp.build_graph(*PACKAGES)
    found: set[str] = set()
    for path in inside:
        if "tests" in path.parts and path.name.startswith("test_"):
            found.add(str(path))
            continue
        owner = Path(*path.parts[: 1 if path.parts[0] == "config" else 2])
        found.add(str(owner / "tests"))
        module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        if path.suffix == ".py" and module in graph.modules:
            names = graph.find_downstream_modules(module)
            found |= {f"{name.replace('.', '/')}.py" for name in names if ".test_" in name}
    folders = {name for name in found if (ROOT / name).is_dir()}
    return sorted(
        name
        for name in found
        if (ROOT / name).exists() and not any(name.startswith(f"{folder}/") for folder in folders)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
