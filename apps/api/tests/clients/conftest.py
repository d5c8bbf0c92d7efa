"""A project root for tests, and fast generators."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from apps.api.clients.plan import PACKAGES
from apps.api.clients.tools import Tools
from apps.api.commands.clients import Options, clients
from apps.api.commands.report import Report
from apps.api.tests.clients import generator
from apps.api.zones import mounting

Make = Callable[..., Report]
TODAY = date(2026, 11, 25)


def fake_tools(way: str = "a", python: str | None = None) -> Tools:
    """Generators that behave as named (see generator.py); `python` is for the Python one alone."""

    def command(how: str) -> tuple[str, ...]:
        return (sys.executable, "-I", "-S", generator.__file__, how)

    return Tools(typescript=command(way), python=command(python or way))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a project."""
    path = tmp_path / "project"
    path.mkdir()
    return path


@pytest.fixture
def make(root: Path, installed: None) -> Make:
    """Runs `zones clients` for the zones of the tests."""

    def make(
        way: str = "a", *, python: str | None = None, progress: Any = str, today: date = TODAY, **options: Any
    ) -> Report:
        return clients(
            mounting.mounted(),
            Options(**({"languages": PACKAGES} | options)),
            progress,
            tools=fake_tools(way, python),
            root=root,
            today=today,
        )

    return make


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
