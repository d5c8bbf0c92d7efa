"""docs/guides/new-slice.md, executed on a copy of the project: a slice is its folder and one line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from config.env import BASE_DIR
from infrastructure.cache import redis
from scripts import variables

pytestmark = pytest.mark.campaign

GUIDE = (BASE_DIR / "docs" / "guides" / "new-slice.md").read_text(encoding="utf-8")
_FILE = re.compile(r"^```python title=(\S+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^```python line=config/zones\.py\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)

# Calls as with curl, through all of Django and the real database.
_TRY = """
import django; django.setup()
from django.core.management import call_command
from django.test import Client
call_command("prepare")
call_command("zones", "validate")
call_command("zones", "urls")
from apps.common.testing.users import UserFactory, access_token_for
mine, other = ({"headers": {"authorization": f"Bearer {access_token_for(UserFactory())}"}} for _ in range(2))
notes, client = "/api/private/v1/notes/", Client()
assert client.get(notes).status_code == 401
made = client.post(notes, {"text": "stand"}, content_type="application/json", **mine)
assert made.status_code == 201, made.content
assert [note["id"] for note in client.get(notes, **mine).json()["results"]] == [made.json()["id"]]
assert client.get(notes, **other).json()["results"] == []
refused = client.post(notes, {}, content_type="application/json", **mine)
assert refused.json()["errors"][0]["field"] == "text", refused.content
print("works")
"""


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The URL of a new database on the test server."""
    url = os.environ["DATABASE_URL"]
    name = f"guide_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield f"{url.rpartition('/')[0]}/{name}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_the_guide_builds_a_slice_that_works(tmp_path: Path, empty_database: str) -> None:
    redis.client().flushdb()  # the calls of earlier tests, from the same address, count towards its limits
    for folder in ("apps", "config", "infrastructure", "scripts"):
        shutil.copytree(
            BASE_DIR / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    for file in ("manage.py", "pyproject.toml", "product.toml", ".importlinter", *variables.FILES):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BASE_DIR / file, tmp_path / file)

    files = _FILE.findall(GUIDE)
    assert len(files) == 8
    for name, text in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (line,) = _LINE.findall(GUIDE)
    table = tmp_path / "config" / "zones.py"
    before = table.read_text(encoding="utf-8")
    anchor = '    "users": ('
    assert before.count(anchor) == 1
    table.write_text(before.replace(anchor, line + anchor), encoding="utf-8")

    # The copy is not this project: its lines do not count.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={
                **environment,
                "DATABASE_URL": empty_database,
                "DJANGO_SETTINGS_MODULE": "config.settings.test",
                "PYTHONPYCACHEPREFIX": str(tmp_path / "pycache"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "Create model Note" in run("manage.py", "makemigrations", "notes")
    said = run("-c", _TRY)
    assert "schema private/v1" in said
    assert "/api/private/v1/notes/\t" in said
    assert said.endswith("works\n")
    run("scripts/variables.py", "--write")
    written = {
        name for name in variables.FILES if "NOTES_PER_USER" in (tmp_path / name).read_text(encoding="utf-8")
    }
    settings = "deploy/kubernetes/overlays/production/settings.env"
    assert written == {"docs/configuration.md", ".env.example", "docker-compose.yml", settings}
    run("-m", "ruff", "check", "apps/notes")
    run("-c", "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])")
    run(
        "-m",
        "ruff",
        "format",
        "--check",
        "apps/notes/models.py",
        "apps/notes/services.py",
        "apps/notes/views.py",
    )
