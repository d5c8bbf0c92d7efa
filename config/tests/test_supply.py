"""The supply chain: floors, advisories, and unreachable sources."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from config.env import BASE_DIR
from scripts import supply

PINNED: dict[str, Any] = {"name": "h11", "version": "0.16.0", "vulns": []}
UNKNOWN: dict[str, Any] = {"name": "h11", "skip_reason": "not found"}
NONE = "knows none of the packages"
BAD: dict[str, Any] = {
    "name": "h11",
    "version": "0.14.0",
    "vulns": [{"id": "CVE-2025-43859", "fix_versions": ["0.16.0"], "aliases": []}],
}


def test_nothing_is_below_its_floor() -> None:
    assert supply.floors() == []
    base = (supply.FOLDER / "base.txt").read_text()
    assert set(supply.FLOORS) <= set(re.findall(r"^([a-z0-9-]+)==", base, re.MULTILINE))


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("a.in", "Django>=5.2,<5.3", "requirements/a.in allows Django below 5.2.14: Django<5.3,>=5.2"),
        ("a.in", "h11", "requirements/a.in allows h11 below 0.16: h11"),
        ("a.in", "PyJWT<3 # why", "requirements/a.in allows PyJWT below 2.13: PyJWT<3"),
        ("a.txt", "h11==0.14.0 \\", "requirements/a.txt pins h11 0.14.0, which is below 0.16"),
        (
            "a.txt",
            "djangorestframework==3.17.1 \\",
            "requirements/a.txt pins djangorestframework 3.17.1, which is",
        ),
    ],
)
def test_packages_below_their_floor_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, line: str, fault: str
) -> None:
    (tmp_path / file).write_text(f"# comment\n{line}\n")
    monkeypatch.setattr(supply, "FOLDER", tmp_path)
    [found] = supply.floors()
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ([PINNED], 0, "a.txt: 1 packages judged by pypi, 0 advisories\n"),
        (
            [BAD],
            1,
            "a.txt: 1 packages judged by pypi, 1 advisories\n  h11 0.14.0: CVE-2025-43859, mended in 0.16.0\n",
        ),
        ([PINNED, UNKNOWN], 0, "a.txt: 1 packages judged by pypi, 1 unknown to it, 0 advisories\n"),
        (
            [UNKNOWN],
            0,
            f"a.txt: SKIPPED, no advisory source is reachable (pypi: {NONE}; osv: {NONE})\n",
        ),
        ([], 0, "a.txt: SKIPPED, no advisory source is reachable (pypi: no route; osv: no route)\n"),
    ],
)
def test_advisories(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: list[dict[str, Any]],
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(supply, "locks", lambda: [Path("a.txt")])
    monkeypatch.setattr(supply, "ask", lambda source, lock: (answers, "" if answers else "no route"))
    assert supply.audit() == code
    assert capsys.readouterr().out == said


def test_every_lock_is_by_hash() -> None:
    for lock in supply.locks():
        text = lock.read_text()
        pins = re.findall(r"^[A-Za-z0-9][\w.-]*==.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
        assert pins
        assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


def test_the_policy_says_where_to_report() -> None:
    policy = (BASE_DIR / "SECURITY.md").read_text(encoding="utf-8")
    for heading in ("## Reporting a vulnerability", "## Supported versions", "## What to expect"):
        assert heading in policy
