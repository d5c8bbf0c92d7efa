"""The tests of installed slices pass beside a slice that extends theirs in every way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import BASE_DIR

pytestmark = pytest.mark.campaign

PLANTED = {
    "__init__.py": '"""Planted."""\n',
    "apps.py": '''"""Planted."""

from django.apps import AppConfig


class PlantedConfig(AppConfig):
    name = "apps.planted"
    needs = ("users",)
''',
    "types.py": '''"""Planted."""

from enum import StrEnum


class Permission(StrEnum):
    READ = "planted.read"
    WRITE = "planted.write"


class AuditAction(StrEnum):
    READ = "planted.read"


DEFAULT_GRANTS = {"user": [Permission.READ], "moderator": [Permission.READ, Permission.WRITE]}
''',
    "settings.py": '''"""Planted."""

from infrastructure import environment

VARIABLES = environment.Variables("Planted")
PLANTED_PER_PAGE = VARIABLES.number("PLANTED_PER_PAGE", 20, "Things on one page", least=1, most=100)
''',
    "handlers.py": '''"""Planted."""

from apps.common import events
from apps.users.events import UserErased, UserRegistered


@events.on(UserErased)
def forget(event):
    """Do nothing."""


@events.on(UserRegistered)
def greet(event):
    """Do nothing."""
''',
    "data_export.py": '''"""Planted."""


def export(user_id):
    return {"planted": 1}
''',
    "demo.py": '''"""Planted."""


def seed(summary):
    summary["urls"].append({"title": "Planted", "url": "/planted/"})
''',
}
SUITES = (
    *(f"apps/users/tests/test_{name}.py" for name in ("roles", "administration", "registration", "erasure")),
    *(f"apps/users/tests/test_{name}.py" for name in ("export", "audit", "admin_site", "console")),
    "apps/audit/tests",
    "apps/common/tests/test_slices.py",
)


def test_no_test_pins_what_another_slice_may_add(tmp_path: Path) -> None:
    for folder in ("apps", "config", "infrastructure", "scripts", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(BASE_DIR / folder, tmp_path / folder, ignore=ignored)
    for name in (
        "conftest.py",
        "pytest.ini",
        "pyproject.toml",
        "product.toml",
        ".importlinter",
        "docker-compose.yml",
        ".env.example",
    ):
        shutil.copy(BASE_DIR / name, tmp_path / name)
    for name, text in PLANTED.items():
        path = tmp_path / "apps" / "planted" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    here = [name for name in SUITES if (tmp_path / name).exists()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--show-capture=no", "-m", "not campaign", *here],
        cwd=tmp_path,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
            "PYTHONPATH": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
