"""`make check`: every part of it, each one's outcome, and a summary; it does not stop at the first that fails.

python scripts/check.py            all parts
python scripts/check.py types lint only these
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
# makemigrations compares models with migration files and, like `check --deploy`, has no need of a database.
NOWHERE = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
PARTS: dict[str, list[str]] = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "imports": [
        "-c",
        "import sys; from importlinter.cli import lint_imports_command as c; c(['--no-cache'])",
    ],
    "circles": ["scripts/import_circles.py"],
    "variables": ["scripts/variables.py"],
    "agents": ["scripts/agents.py"],
    "slices": ["scripts/slice_names.py"],
    "migrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
    "risks": ["manage.py", "prepare", "--unreleased"],
    "deploy": ["manage.py", "check", "--deploy", "--fail-level", "WARNING"],
    "zones": ["manage.py", "zones", "validate"],
    "schemas": ["manage.py", "zones", "schema", "--check"],
    "breaking": ["manage.py", "zones", "schema", "--breaking"],
    "locks": ["scripts/lock.py", "--check"],
    "floors": ["scripts/supply.py", "floors"],
}


def production_environment() -> dict[str, str]:
    """Strong throwaway secrets, as `make env` makes them for a .env."""
    made = subprocess.run(
        [PYTHON, "scripts/dotenv.py", "--print"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pairs = (
        line.partition("=") for line in made.stdout.splitlines() if "=" in line and not line.startswith("#")
    )
    values = {name: value.strip("'\"") for name, _, value in pairs}
    return {
        **values,
        **NOWHERE,
        "ALLOWED_HOSTS": "site.example",
        "SECURE_SSL": "true",
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
    }


def environment(part: str) -> dict[str, str]:
    env = {**os.environ, "DJANGO_READ_DOT_ENV": "0"}
    if part == "deploy":
        return env | production_environment()
    return {**env, **NOWHERE, "DJANGO_SETTINGS_MODULE": "config.settings.test"}


def run(part: str) -> bool:
    """Run one part, show what it says if it fails. True when it passes."""
    begun = time.monotonic()
    try:
        done = subprocess.run(
            [PYTHON, "-W", "ignore", *PARTS[part]],
            cwd=ROOT,
            env=environment(part),
            capture_output=True,
            text=True,
            check=False,
        )
        code, said = done.returncode, done.stdout + done.stderr
    except subprocess.CalledProcessError as error:
        code, said = error.returncode, error.stderr
    lines = [f"{'ok  ' if code == 0 else 'FAIL'}  {part:<12} {time.monotonic() - begun:5.1f} s"]
    lines += [f"      {line}" for line in said.rstrip().splitlines() if code]
    print("\n".join(lines) + "\n", end="", flush=True)
    return code == 0


def main(wanted: list[str]) -> int:
    if unknown := set(wanted) - set(PARTS):
        print(f"unknown: {', '.join(sorted(unknown))}; parts are {', '.join(PARTS)}")
        return 2
    parts = wanted or list(PARTS)
    # As many at once as there are cores: the check of types takes as long as all others together.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = [part for part, passed in zip(parts, pool.map(run, parts), strict=True) if not passed]
    print(f"failed: {', '.join(failed)}" if failed else "all clean")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
