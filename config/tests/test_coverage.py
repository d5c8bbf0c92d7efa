"""`make test` judges the coverage of each slice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts import test as suite


def report(folder: Path, calls: str) -> dict[str, Any]:
    """What coverage writes of a slice with four statements and two branches, and of its test."""
    slice_ = folder / "apps" / "orders"
    (slice_ / "tests").mkdir(parents=True)
    (slice_ / "services.py").write_text("def pay(x):\n    if x:\n        return 1\n    return 2\n")
    test = slice_ / "tests" / "test_orders.py"
    test.write_text(
        f"import sys; sys.path.insert(0, {str(slice_)!r})\nimport services\n{calls}\nif services is None:\n    x = 1\n"
    )
    coverage = [sys.executable, "-m", "coverage"]
    for command in (["run", "--branch", "--source=apps", str(test)], ["json", "-q", "-o", "report.json"]):
        subprocess.run([*coverage, *command], cwd=folder, check=True, env={"PATH": os.environ["PATH"]})
    files: dict[str, Any] = json.loads((folder / "report.json").read_text())["files"]
    return files


def test_a_slice_below_the_bar_fails_with_its_name(tmp_path: Path) -> None:
    lines, is_reached = suite.slices(report(tmp_path, "services.pay(1)"), 95)
    (line,) = lines
    assert line == (
        "apps/orders                    66.7 %  FAIL: below 95 %; lines and branches that no test runs: "
        "apps/orders/services.py (2)"
    )
    assert is_reached is False


def test_a_slice_that_its_tests_run_passes(tmp_path: Path) -> None:
    lines, is_reached = suite.slices(report(tmp_path, "services.pay(1); services.pay(0)"), 95)
    assert (lines, is_reached) == (["apps/orders                   100.0 %"], True)


def test_the_bar_is_that_of_the_whole() -> None:
    assert suite.bar() == 95
