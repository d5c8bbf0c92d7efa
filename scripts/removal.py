"""Takes slices out of a tree of the project. `make remove-slice`, `make init` and `make removal-test` use it.

A slice is removed by its folder and its line of `config/zones.py`; then what is generated is generated anew. A database that
has run with it is brought in step by a migration of `apps.removed`.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from infrastructure.embedded import servers

ROOT: Final = Path(__file__).resolve().parent.parent
PYTHON: Final = sys.executable
# Accounts and what slices share are not for removal.
KEPT: Final = frozenset({"api", "common", "removed", "users"})
# Those of the template: `make init` and `copier copy` ask for them, and `make update` leaves out what was taken out.
OPTIONAL: Final = ("audit", "chat", "notifications", "console")
ANSWERS: Final = ".copier-answers.yml"
CLIENT: Final = "apps/console/static/console/client"
NOWHERE: Final = {
    "DATABASE_URL": "postgres://x@127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "DJANGO_SETTINGS_MODULE": "config.settings.test",
}
KEEPS: Final = ("permissions", "schedules", "events")
DROPS: Final = ("tables", "functions", "folders", *KEEPS)
_MIGRATION: Final = '''\
"""{does} the tables of the slice {label}, which was removed."""

from django.db import migrations

from apps.removed.operations import DEPENDENCIES, {imported}


class Migration(migrations.Migration):
    dependencies = {dependencies}
{before}
    operations = [{operation}]
'''
_REGISTER: Final = '''\
"""The tables of the slice {label}, which was removed. Erasure and export of accounts follow this register."""

from apps.removed.types import KeptSlice, KeptTable

KEPT = KeptSlice(tables=({tables}){more})
'''
_HEAD: Final = "# Written by copier and `make update`: do not edit.\n"


def needs(root: Path = ROOT) -> dict[str, set[str]]:
    """The slices that can be removed, each with those that it cannot do without, as its `apps.py` declares."""
    found: dict[str, set[str]] = {}
    for path in sorted((root / "apps").glob("*/apps.py")):
        label = path.parent.name
        if label not in KEPT:
            found[label] = set()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "needs":
                    found[label] = set(ast.literal_eval(node.value)) - KEPT
    return found


def inventory(labels: Iterable[str], root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """What slices hold outside of their folders, by label; see scripts/slice_inventory.py."""
    said = Rest(root).run("scripts/slice_inventory.py", *labels)
    found: dict[str, dict[str, Any]] = json.loads(said)
    return found


def take_out(folder: Path, removed: Iterable[str]) -> None:
    """Remove slices from a tree: their folders, their entries in `config/zones.py`, and their rows of the architecture page."""
    labels = frozenset(removed)
    if not labels:
        return
    for label in labels:
        # With copier, the folder was never there.
        if (folder / "apps" / label).is_dir():
            shutil.rmtree(folder / "apps" / label)
    zones = folder / "config" / "zones.py"
    zones.write_text(_without_entries(zones.read_text(encoding="utf-8"), labels), encoding="utf-8")
    page = folder / "docs" / "architecture.md"
    row = re.compile(rf"\| `apps/({'|'.join(map(re.escape, labels))})/` \|")
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    page.write_text("".join(line for line in lines if not row.match(line)), encoding="utf-8")
    leave_out(folder, labels)


def _without_entries(text: str, labels: frozenset[str]) -> str:
    """`config/zones.py` without the entries of `SLICES` for these slices."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "SLICES":
            assert isinstance(node.value, ast.Dict)
            for key, value in reversed([*zip(node.value.keys, node.value.values, strict=True)]):
                if isinstance(key, ast.Constant) and key.value in labels:
                    del lines[key.lineno - 1 : value.end_lineno]
    return "".join(lines)


def leave_out(folder: Path, labels: Iterable[str]) -> None:
    """Add slices of the template to the answers of copier, so that `make update` does not bring them back."""
    path = folder / ANSWERS
    if not path.exists():
        return
    answers = yaml.safe_load(path.read_text(encoding="utf-8"))
    answers["without"] = sorted({*answers["without"], *(set(labels) & {*OPTIONAL})})
    write_answers(path, answers)


def write_answers(path: Path, answers: Mapping[str, Any]) -> None:
    """Write the answers of copier as copier does."""
    text = yaml.safe_dump(dict(answers), default_flow_style=False, allow_unicode=True)
    path.write_text(f"{_HEAD}{text}", encoding="utf-8")


def write_migration(folder: Path, label: str, held: Mapping[str, Any], *, keep: bool) -> list[Path]:
    """Write the migration that takes a slice out of databases, and, to keep its tables, their register.

    Returns what was written: nothing for a slice that databases know nothing of.
    """
    parts = KEEPS if keep else DROPS
    if not any(held[part] for part in (*parts, "tasks")):
        return []
    home = folder / "apps" / "removed"
    migrations = home / "migrations"
    earlier = sorted(path.stem for path in migrations.glob("[0-9]*.py"))
    number = int(earlier[-1][:4]) + 1 if earlier else 1
    # With the time: a migration of the same name, whose file a revert took away, may be recorded as applied.
    path = (
        migrations / f"{number:04}_{'keep' if keep else 'drop'}_{label}_{datetime.now(UTC):%Y%m%d_%H%M%S}.py"
    )
    arguments = "".join(f", {part}={list(held[part])!r}" for part in parts if held[part])
    after = f'("removed", "{earlier[-1]}"), ' if earlier else ""
    operation = "KeepTables" if keep else "RemoveSlice"
    path.write_text(
        _MIGRATION.format(
            label=label,
            does="Keeps" if keep else "Drops",
            imported=operation if keep else f"{operation}, before",
            before="" if keep else f'    run_before = before("{label}")\n',
            dependencies=f"[{after}*DEPENDENCIES]",
            operation=f'{operation}("{label}"{arguments})',
        ),
        encoding="utf-8",
    )
    written = [path]
    register = home / "tables" / f"{label}.py"
    if keep:
        tables = "".join(
            f"KeptTable({', '.join(f'{key}={_frozen(value)!r}' for key, value in table.items() if value)}),"
            for table in held["kept"]
        )
        more = "".join(f", {part}={_frozen(held[part])!r}" for part in ("functions", "folders") if held[part])
        register.write_text(_REGISTER.format(label=label, tables=tables, more=more), encoding="utf-8")
        written.append(register)
    elif register.exists():
        register.unlink()
    for made in written:
        subprocess.run([PYTHON, "-m", "ruff", "format", "--quiet", made], cwd=folder, check=True)
    return written


def has_database(root: Path) -> bool:
    """Whether `make run` has made a database for this checkout, or one is named in the environment or .env."""
    own = any((root / ".data" / name).exists() for name in ("instance", "servers"))
    return own or "DATABASE_URL" in servers.external(root)


def clean_own_database(root: Path, held: Mapping[str, Mapping[str, Any]]) -> None:
    """Take slices out of the database of `make run`, if there is one, without a migration. Raises SystemExit."""
    if not held or not has_database(root):
        return
    lines = ["from apps.removed.operations import RemoveSlice, carry_out"]
    for label, holds in held.items():
        parts = {part: list(holds[part]) for part in DROPS}
        lines.append(f"carry_out(RemoveSlice({label!r}, **{parts!r}))")
    command = [PYTHON, "manage.py", "shell", "--no-imports", "--command", "\n".join(lines)]
    if subprocess.run(command, cwd=root, check=False).returncode:
        raise SystemExit("the database of this checkout could not be cleaned, as it says above")


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


class Rest:
    """The rest of the project after the removal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
        }

    def run(self, *arguments: str, **more: str) -> str:
        """Run a Python command. Returns its output. Raises SystemExit with what it said when it fails."""
        done = subprocess.run(
            [PYTHON, *arguments],
            cwd=self.folder,
            env=self.environment | {"DJANGO_READ_DOT_ENV": "0"} | more,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-6000:]}")
        return done.stdout

    def regenerate(self, *, install: bool = False) -> bool:
        """Write what follows from which slices there are. Returns whether the console's client is in step.

        Its generators are those of `make clients-tools`: `install` installs them, from a package index.
        """
        self.run("manage.py", "zones", "schema", "--write", **NOWHERE)
        self.run("scripts/variables.py", "--write")
        self.run("scripts/agents.py", "--write")
        if not (self.folder / CLIENT).is_dir():
            return True
        try:
            if install:
                self.run("scripts/client_tools.py")
            elif not (self.folder / ".tools" / "clients").is_dir():
                return False
            zones = ("--zone", "public", "--zone", "private")
            self.run(
                *("manage.py", "zones", "clients", "--language", "browser", *zones, "--sync", CLIENT),
                **NOWHERE,
            )
        except SystemExit as error:  # no package index can be reached, for example
            print(f"The client of the console is as it was: run make console-client later. {error}")
            return False
        return True
