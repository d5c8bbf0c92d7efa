"""`make remove-slice`: takes a slice out of the project, and writes the migration that takes it out of databases.

    make remove-slice NAME=orders                  shows what it will do, and asks
    make remove-slice NAME=orders KEEP_TABLES=1    the tables stay, for erasure and export, until they are dropped by
                                                   the first form
    make remove-slice NAME=orders MIGRATION=0      no database but this checkout's has its tables
    make remove-slice NAME=orders YES=1            does not ask

Nothing is committed: `git diff` shows what was done. docs/guides/remove-slice.md explains it.
"""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts import removal

ROOT: Final = removal.ROOT


class Refused(Exception):
    """The slice cannot be removed so. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan of a removal. `held` is the slice's data outside of its folder; see scripts/slice_inventory.py."""

    label: str
    held: dict[str, Any]
    keep: bool
    migration: bool
    code: bool

    def lines(self) -> Iterator[str]:
        """The plan as text."""
        held = self.held
        if self.code:
            count = len(_git("ls-files", f"apps/{self.label}").splitlines())
            yield f"Files deleted: apps/{self.label}/ ({count} in git)"
            yield f"Lines deleted: those of {self.label} in config/zones.py and in the table of docs/architecture.md"
            yield (
                "Written anew: docs/api/, the tables of variables (`make variables`), AGENTS.md, the console's client"
            )
        if self.keep:
            yield f"Written: a migration that keeps the tables, and apps/removed/tables/{self.label}.py"
            yield _told("Kept, exported and erased with accounts", held["tables"])
        elif self.migration:
            yield "Written: a migration that takes the following out of each database"
        else:
            yield "No migration. Taken out of this checkout's database, if it has one:"
        if not self.keep:
            yield _told("  tables and their rows", held["tables"])
            yield _told("  functions", held["functions"])
            yield _told("  private files, by a task ten minutes later", held["folders"])
            yield "  content types, and the record of its migrations"
        yield _told("  schedules, and others of its tasks", held["schedules"])
        yield _told("  permissions in roles", held["permissions"])
        yield _told("  events that are pending or dead", held["events"])
        yield "  dead tasks, and routes in the scopes of service keys"
        if held["other"]:
            yield _told("Left in databases, to be dropped by hand", held["other"])
        if held["uploads"] and not self.keep:
            yield _told("Left in storage, to be deleted by hand: files of", held["uploads"])
        if held["variables"]:
            yield _told("Without effect from now on, in each .env", held["variables"])
        if mentions := _mentions(self.label):
            yield _told("Texts and tests that mention it, left as they are", mentions)
        yield "Not touched: the audit log"


def _told(title: str, names: Sequence[str]) -> str:
    return f"{title}: {', '.join(names) or 'none'}"


def plan(options: argparse.Namespace) -> Plan:
    """Judge the arguments and the tree. Raises Refused."""
    label: str = options.name
    table = removal.needs()
    if label in removal.KEPT:
        raise Refused(f"{label} is not for removal: every product needs it")
    if label not in table:
        held = _kept_before(label)
        if options.keep_tables:
            raise Refused(f"the tables of {label} are kept already")
        _require_clean(options)
        return Plan(label=label, held=held, keep=False, migration=True, code=False)
    if dependents := [other for other, needed in table.items() if label in needed]:
        raise Refused(f"{', '.join(dependents)} needs {label}: remove {dependents[0]} first")
    if importing := _importing(label):
        raise Refused(f"{', '.join(importing)} imports apps.{label}")
    _require_clean(options)
    held = removal.inventory([label])[label]
    if held["referring"]:
        raise Refused(f"{', '.join(held['referring'])} refers to a table of {label}")
    if options.keep_tables:
        _require_keepable(label, held)
    committed = bool(_git("ls-tree", "HEAD", f"apps/{label}/migrations/"))
    return Plan(
        label=label,
        held=held,
        keep=options.keep_tables,
        migration=options.migration and (committed or not held["tables"]),
        code=True,
    )


def _require_clean(options: argparse.Namespace) -> None:
    if not options.dirty and _git("status", "--porcelain"):
        raise Refused(
            "commit or stash your changes first, or say DIRTY=1: what is not committed of it is lost"
        )


def _require_keepable(label: str, held: dict[str, Any]) -> None:
    """Raises Refused for tables that cannot be looked after without their models."""
    if not held["tables"]:
        raise Refused(f"{label} has no tables to keep")
    if not held["kept"] or any(table["key"] is None for table in held["kept"]):
        raise Refused(f"{label} has a table with a primary key of several columns, which cannot be kept")
    if held["encrypted"]:
        raise Refused(
            f"{', '.join(held['encrypted'])} is encrypted: a rotation of keys would not reach it without its model"
        )
    if held["unknown"]:
        raise Refused(
            f"PERSONAL_ROWS of its data_export.py finds rows of {', '.join(held['unknown'])}, as no register can"
        )
    if held["referred"]:
        raise Refused(f"{', '.join(held['referred'])} refers to a slice that could then not delete its rows")


def _kept_before(label: str) -> dict[str, Any]:
    """What a slice left that was removed before. Raises Refused for one that left nothing."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", label) or not (ROOT / f"apps/removed/tables/{label}.py").exists():
        raise Refused(f"there is no slice {label}: {', '.join(removal.needs())} can be removed")
    kept = asdict(importlib.import_module(f"apps.removed.tables.{label}").KEPT)
    nothing = ("permissions", "schedules", "events", "other", "uploads", "variables")
    return {
        **dict.fromkeys(nothing, ()),
        "tasks": False,
        "tables": [table["name"] for table in kept["tables"]],
        "functions": kept["functions"],
        "folders": kept["folders"],
    }


def _files(label: str) -> Iterator[tuple[str, str]]:
    """The project's files outside of a slice and of what is generated, with their texts."""
    own = (
        f"apps/{label}/",
        "docs/api/",
        "docs/adr/",
        removal.CLIENT,
        "CHANGELOG.md",
        "AGENTS.md",
        "apps/removed/",
    )
    for name in _git("ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if not name.startswith(own) and name.endswith(
            (".py", ".md", ".toml", ".yml", ".ini", ".html", ".js")
        ):
            path = ROOT / name
            if path.is_file():
                yield name, path.read_text(encoding="utf-8")


def _importing(label: str) -> list[str]:
    """Modules outside of tests that import the slice."""
    used = re.compile(
        rf"^\s*(?:from apps\.{label}[. ]|from apps import .*\b{label}\b|import apps\.{label}\b)", re.MULTILINE
    )
    return [
        name
        for name, text in _files(label)
        if name.startswith(("apps/", "config/", "infrastructure/"))
        and "/tests/" not in name
        and used.search(text)
    ]


def _mentions(label: str) -> list[str]:
    named = re.compile(rf"\bapps[./]{label}\b")
    return [name for name, text in _files(label) if named.search(text)]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def apply(chosen: Plan) -> list[str]:
    """Carry out the plan. Returns what is left to do."""
    left: list[str] = []
    rest = removal.Rest(ROOT)
    if chosen.code:
        removal.take_out(ROOT, [chosen.label])
    if chosen.keep or chosen.migration:
        removal.write_migration(ROOT, chosen.label, chosen.held, keep=chosen.keep)
    if chosen.code and not rest.regenerate(install=True):
        left.append("make console-client")
    if not (chosen.keep or chosen.migration):
        removal.clean_own_database(ROOT, {chosen.label: chosen.held})
    return left


def main(arguments: Sequence[str]) -> int:
    """Show, ask, do. 2 when nothing was done."""
    parser = argparse.ArgumentParser(
        prog="make remove-slice", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name")
    parser.add_argument("--keep-tables", action="store_true")
    parser.add_argument("--no-migration", dest="migration", action="store_false")
    parser.add_argument("--dirty", action="store_true", help="go on with changes that are not committed")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(arguments)
    try:
        chosen = plan(options)
        print("\n".join(chosen.lines()))
        if not options.yes:
            if not sys.stdin.isatty():
                raise Refused("nothing was done: say YES=1 to go on")
            if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
                raise Refused("nothing was done")
    except (Refused, EOFError, KeyboardInterrupt) as error:
        sys.stderr.write(f"make remove-slice: {str(error) or 'interrupted'}\n")
        return 2
    left = apply(chosen)
    print(
        f"{chosen.label} is removed. Next: {', '.join([*left, 'git diff', 'git commit', 'make check', 'make migrate'])}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
