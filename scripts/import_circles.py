"""Finds circles of imports between the project's modules: `make check` allows none.

Imports inside functions and those for type checkers count as well: a circle that does not stop a start still means that
none of its modules can be read, tested or moved without the others. Tests and migrations are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

import grimp

PACKAGES = ("apps", "infrastructure", "config")
LEFT_OUT = {"tests", "migrations"}


def imports_of(packages: Iterable[str]) -> dict[str, set[str]]:
    """The modules that each module imports directly."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    modules = {module for module in graph.modules if LEFT_OUT.isdisjoint(module.split("."))}
    return {module: graph.find_modules_directly_imported_by(module) & modules for module in modules}


def circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Circles, each from a module back to itself, until what is left has none."""
    left = {module: set(imported) for module, imported in imports.items()}
    found = []
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1][::-1]  # graphlib goes from what is imported to what imports it
            found.append(circle)
            left[circle[0]].discard(circle[1])
        else:
            return found


def main() -> int:
    """Print each circle. Returns 1 when there is one."""
    found = circles(imports_of(PACKAGES))
    for circle in found:
        print(" imports ".join(circle))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
