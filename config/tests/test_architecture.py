"""docs/architecture.md against the tree: folders, layers, and the files of typical changes."""

from __future__ import annotations

import configparser
import re

from config.env import BASE_DIR

PAGE = (BASE_DIR / "docs" / "architecture.md").read_text(encoding="utf-8")


def is_here(path: str) -> bool:
    """Whether a path is outside of the slices, or in one that was not removed."""
    found = re.match(r"apps/\w+", path)
    return found is None or (BASE_DIR / found[0]).is_dir()


def rows(title: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def packages(parent: str) -> set[str]:
    """The folders below a package that hold code."""
    hidden = {"tests", "migrations", "management", "static", "templates", "__pycache__"}
    return {
        f"{parent}/{path.name}/"
        for path in (BASE_DIR / parent).iterdir()
        if path.is_dir() and path.name not in hidden and any(path.rglob("*.py"))
    }


def test_every_folder_exists_and_is_described_once() -> None:
    told = [cells[0].strip("`") for cells in rows("Folders")]
    assert len(told) == len(set(told))
    assert [folder for folder in told if not (BASE_DIR / folder).is_dir() and is_here(folder)] == []
    compartments = packages("apps/api") | packages("apps/common") | packages("infrastructure")
    assert compartments - set(told) == set()


def test_every_slice_is_described_to_agents() -> None:
    page = (BASE_DIR / "AGENTS.md").read_text(encoding="utf-8")
    slices = {path.parent.name for path in (BASE_DIR / "apps").glob("*/apps.py")} - {"api", "common"}
    assert [
        label for label in slices if not re.search(rf"^\| `apps/{label}/` \| \w", page, re.MULTILINE)
    ] == []


def test_layers_are_those_of_the_contract() -> None:
    options = configparser.ConfigParser()
    options.read(BASE_DIR / ".importlinter")
    layers = [line.split() for line in options["importlinter:contract:slice"]["layers"].strip().splitlines()]
    told = [re.findall(r"`(\w+)`", cells[1]) for cells in rows("A slice")]
    assert told == layers


def test_files_of_typical_changes_exist() -> None:
    changes = rows("Ten typical changes")
    assert len(changes) == 10
    paths = [path for cells in changes for path in re.findall(r"`([\w.-]+/[\w./-]+)`", cells[1])]
    paths += [f"docs/{path}" for path in re.findall(r"\]\((guides/[\w.-]+)\)", PAGE)]
    assert [path for path in paths if not (BASE_DIR / path).exists() and is_here(path)] == []
    assert all(len(re.findall(r"`", cells[1])) >= 2 for cells in changes)


def test_each_compartment_has_at_most_ten_loose_modules() -> None:
    conventional = {"__init__.py", "admin.py", "apps.py", "models.py", "pages.py", "settings.py", "tasks.py"}
    for folder in ("apps/api", "apps/common", "infrastructure"):
        loose = {path.name for path in (BASE_DIR / folder).glob("*.py")} - conventional
        assert len(loose) <= 10, sorted(loose)
        for package in packages(folder):
            assert len(list((BASE_DIR / package).rglob("*.py"))) > 1 or package.endswith("client_runtime/")
