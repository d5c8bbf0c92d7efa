"""Puts the files of a slice in place, with all that follows from them. When a step fails, nothing is left of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scripts import removal
from scripts.new_slice.names import Refused
from scripts.new_slice.texts import tuple_of

_TABLE: Final = re.compile(r"^SLICES: .*?^\}\n", re.MULTILINE | re.DOTALL)
# What `regenerate` writes: kept, to be put back when a later step fails.
_GENERATED: Final = (
    "AGENTS.md",
    removal.CLIENT,
    "config/zones.py",
    "docker-compose.yml",
    ".env.example",
    "docs/api",
    "docs/configuration.md",
)


def add(root: Path, *, label: str, files: Mapping[str, str], zones: tuple[str, ...]) -> None:
    """Add a slice with these files to the project. Raises Refused when a step fails."""
    folder = root / "apps" / label
    with tempfile.TemporaryDirectory(prefix=".slice-", dir=root) as name:
        made = Path(name) / "apps" / label
        for path, text in files.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_text(text, encoding="utf-8")
        tidy(root, made)
        with kept(root, folder):
            made.rename(folder)
            add_line(root / "config" / "zones.py", label, zones)
            migrate(root, label, "")
            regenerate(root)


def tidy(root: Path, *paths: Path) -> None:
    """Sort imports, remove those that are not used, and format."""
    for command in (["check", "--quiet", "--fix-only", "--select", "I,F401"], ["format"]):
        _run(root, "-m", "ruff", *command, "--config", str(root / "pyproject.toml"), *map(str, paths))


def migrate(root: Path, label: str, name: str) -> None:
    """Write the migration that brings the tables of a slice in step with its models."""
    named = ["--name", name] if name else []
    _run(root, "-W", "ignore", "manage.py", "makemigrations", label, "--no-header", *named, **removal.NOWHERE)


def regenerate(root: Path) -> None:
    """Bring schemas, tables of variables, AGENTS.md and the client of the console in step."""
    try:
        removal.Rest(root).regenerate(install=True)
    except SystemExit as error:
        raise Refused(str(error)) from error


@contextmanager
def kept(root: Path, folder: Path) -> Iterator[None]:
    """Put back what `regenerate` writes and a slice's folder as they were, when the block fails."""
    with tempfile.TemporaryDirectory(prefix="kept-") as name:
        copies = {root / path: Path(name) / str(number) for number, path in enumerate(_GENERATED)}
        copies[folder] = Path(name) / "slice"
        for path, copy in copies.items():
            _copy(path, copy)
        try:
            yield
        except BaseException:
            for path, copy in copies.items():
                _copy(copy, path)
            raise


def _copy(source: Path, target: Path) -> None:
    """Make the target what the source is: a folder, a file, or nothing."""
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy2(source, target)


def add_line(path: Path, label: str, zones: tuple[str, ...]) -> None:
    """Add the slice's line to the end of SLICES."""
    text = path.read_text(encoding="utf-8")
    found = _TABLE.search(text)
    if found is None:
        raise Refused(f"{path.name} has no table SLICES = {{…}}")
    line = f'    "{label}": {tuple_of(zones)},\n'
    end = found.end() - len("}\n")
    path.write_text(text[:end] + line + text[end:], encoding="utf-8")


def _run(root: Path, *command: str, **environment: str) -> None:
    """Run a Python command. Raises Refused with what it said when it fails."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=root,
        env={**os.environ, "DJANGO_READ_DOT_ENV": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-4000:]}")
