"""Import-linter contracts for vertical slices: a new folder in `apps/` is checked without being listed.

`SlicesContract` judges imports between slices: only the modules named in `.importlinter` may be used, slices never form
a circle, and what they share knows none of them. `SliceLayersContract` judges imports inside a slice: each module has a
layer by its name, and imports nothing from a layer above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class SlicesContract(Contract):
    """Every child of `package` is a slice, but for those that are `above` or `shared`. Only tests import `testing`."""

    type_name = "slices"
    package = fields.StringField()
    above = fields.SetField(subfield=fields.StringField())
    shared = fields.SetField(subfield=fields.StringField())
    public = fields.SetField(subfield=fields.StringField())
    testing = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001
        """Look at each import that leaves a slice, enters one, or reaches above them."""
        above, shared, public = _names(self.above), _names(self.shared), _names(self.public)
        kit = _name(self.testing)
        slices = sorted(graph.find_children(_name(self.package)) - above - shared)
        uses: dict[str, set[str]] = {name: set() for name in slices}
        problems: list[str] = []
        for module, imported in _imports(graph, [*sorted(above), *slices, *sorted(shared)]):
            if _member(imported, [kit]) and not _member(module, [kit]):
                problems.append(f"{module} imports {imported}, which is for tests only")
            if _member(module, [kit, *above]):
                continue
            mine, other = _member(module, slices), _member(imported, slices)
            if _member(imported, sorted(above)):
                problems.append(f"{module} imports {imported}, which is above the slices")
            elif other is None or other == mine:
                continue
            elif mine is None:
                problems.append(f"{module} imports {imported}: what slices share knows none of them")
            else:
                uses[mine].add(other)
                if imported.removeprefix(f"{other}.").partition(".")[0] not in public:
                    problems.append(
                        f"{module} imports {imported}: only {', '.join(sorted(public))} are public"
                    )
        problems += [f"a circle of slices: {' → '.join(circle)}" for circle in _circles(uses)]
        return ContractCheck(kept=not problems, metadata={"problems": problems})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Show each import that is not allowed."""
        for problem in check.metadata["problems"]:
            output.print_error(problem)


class SliceLayersContract(Contract):
    """Every module of a slice has a layer; imports lead to the same layer or to a lower one, without a circle.

    `layers` lists module names, the highest layer first; modules of one layer are separated by spaces.
    """

    type_name = "slice_layers"
    package = fields.StringField()
    exempt = fields.SetField(subfield=fields.StringField())
    layers = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001
        """Look at each module of each slice, and at what it imports from its own slice."""
        layers = [str(layer).split() for layer in self.layers]  # type: ignore[attr-defined]
        depth = {name: number for number, names in enumerate(layers) for name in names}
        problems: list[str] = []
        for slice_ in sorted(graph.find_children(_name(self.package)) - _names(self.exempt)):
            uses: dict[str, set[str]] = {}
            for module, imported in _imports(graph, [slice_]):
                mine, other = _part(module, slice_), _part(imported, slice_)
                if mine is None or other is None or mine == other:
                    continue
                if depth.get(mine, -1) > depth.get(other, len(layers)):
                    problems.append(f"{module} imports {imported}, which is in a layer above it")
                uses.setdefault(mine, set()).add(other)
            nameless = {_part(module, slice_) for module in graph.find_descendants(slice_)} - depth.keys()
            problems += [
                f"{slice_}.{name} has no layer: name it after what it is, or give its name a layer in .importlinter"
                for name in sorted(filter(None, nameless))
            ]
            graph_of_parts = {name: uses.get(name, set()) for name in {*uses, *set().union(*uses.values())}}
            problems += [f"a circle in {slice_}: {' → '.join(circle)}" for circle in _circles(graph_of_parts)]
        return ContractCheck(kept=not problems, metadata={"problems": problems})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Show each import that is not allowed, and each module without a layer."""
        for problem in check.metadata["problems"]:
            output.print_error(problem)


def _part(module: str, slice_: str) -> str | None:
    """The name of the slice's own module or package that a module is or belongs to; None for other slices and tests."""
    name = module.removeprefix(f"{slice_}.").partition(".")[0]
    return name if module.startswith(f"{slice_}.") and name not in ("tests", "migrations") else None


def _name(field: object) -> str:
    return str(field)


def _names(field: Any) -> set[str]:
    return {str(name) for name in field}


def _member(module: str, packages: Iterable[str]) -> str | None:
    """The package that a module is or belongs to."""
    return next((name for name in packages if module == name or module.startswith(f"{name}.")), None)


def _imports(graph: ImportGraph, packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Every import that a module of these packages makes; tests may import anything."""
    for package in packages:
        for module in sorted({package, *graph.find_descendants(package)}):
            if ".tests" not in module:
                for imported in sorted(graph.find_modules_directly_imported_by(module)):
                    yield module, imported


def _circles(uses: dict[str, set[str]]) -> Iterator[list[str]]:
    """One path for each slice that leads back to it."""
    for start in sorted(uses):
        paths = [[start]]
        seen: set[str] = set()
        while paths:
            path = paths.pop()
            for following in sorted(uses[path[-1]] - seen):
                if following == start:
                    yield [*path, start]
                    paths = []
                    break
                seen.add(following)
                paths.append([*path, following])
