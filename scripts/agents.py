"""AGENTS.md, the instructions for coding agents (agents.md), made from the Makefile and docs/architecture.md.

python scripts/agents.py --write    write it
python scripts/agents.py            compare it (a part of `make check`)
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from infrastructure.product import PRODUCT  # noqa: E402

FILE: Final = "AGENTS.md"
# In the order in which a change needs them; the Makefile explains each.
COMMANDS: Final = (
    "venv",
    "doctor",
    "check",
    "fmt",
    "test",
    "run",
    "manage",
    "slice",
    "migrate",
    "variables",
    "remove-slice",
    "lock",
    "console-client",
)
_HEAD: Final = """\
# {name}: instructions for coding agents

{description}. Written by `python scripts/agents.py --write` from the Makefile and docs/architecture.md: do not edit.

## Rules

- Before a commit: `make fmt`, `make check`, and `make test` (or `make test ARGS="-q <paths>"` for the tests of a change).
- PostgreSQL and Valkey start by themselves for a command of the Makefile. Do not mock them in tests.
- A service holds a rule, a transaction or an event; a selector only reads; a view parses, makes one call and returns data.
- Views declare their contract once, with `@operation` (apps/common/http/operation.py).
- Settings and environment variables belong to the slice that reads them (its `settings.py`); then `make variables`.
- After a change of the API: `make manage ARGS="zones schema --write"`, then `make console-client`.
- A slice goes by `make remove-slice`, never by deleting its folder: databases keep its tables (docs/guides/remove-slice.md).
- Migrations are additive: the previous release runs beside the new schema during a deployment.
- A test names the behaviour, asserts exact values, and fails before its fix. No sleeps, no skips.
- Prose is plain English in the present tense. Comments say why.

## Commands

{commands}

## Folders

{folders}

## Layers of a slice

{layers}

## Where a typical change goes

{changes}
"""


def text() -> str:
    """The content of the file."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    helps = dict(
        re.findall(
            r"^([a-z][a-z-]*):[^#\n]*## (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    layers = _section(page, "A slice")
    return _HEAD.format(
        name=PRODUCT.name,
        description=PRODUCT.description,
        commands="\n".join(f"- `make {name}`: {helps[name]}" for name in COMMANDS),
        folders="\n".join(_folders(_table(_section(page, "Folders")))),
        layers=layers[layers.index("A module of a slice imports") :],
        changes="\n".join(
            line for line in _table(_section(page, "Ten typical changes")) if _exists(line)
        ).replace("](guides/", "](docs/guides/"),
    )


def _folders(table: list[str]) -> list[str]:
    """The rows of folders that are there, and of slices that the table does not name, by their docstrings."""
    rows = [line for line in table if _exists(line)]
    last = max(number for number, line in enumerate(rows) if line.startswith("| `apps/")) + 1
    for path in sorted((ROOT / "apps").glob("*/apps.py"), reverse=True):
        folder = f"`apps/{path.parent.name}/"
        if not any(folder in line for line in rows):
            text = (
                ast.get_docstring(ast.parse((path.parent / "__init__.py").read_text(encoding="utf-8"))) or ""
            )
            first = text.partition("\n")[0].rstrip(".")
            rows.insert(last, f"| {folder}` | {first[:1].lower()}{first[1:]} |")
    return rows


def _section(page: str, title: str) -> str:
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0].strip()


def _table(section: str) -> list[str]:
    return [line for line in section.splitlines() if line.startswith("|")]


def _exists(line: str) -> bool:
    """Whether a row names no slice that was removed."""
    return all((ROOT / path).is_dir() for path in re.findall(r"`(apps/\w+)", line))


def main(arguments: list[str]) -> int:
    """Write or compare. 1 when the file differs."""
    if arguments not in ([], ["--write"]):
        sys.stderr.write(__doc__ or "")
        return 2
    path, made = ROOT / FILE, text()
    if arguments:
        path.write_text(made, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != made:
        print(
            f"{FILE} is not what the Makefile and docs/architecture.md say: python scripts/agents.py --write"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
