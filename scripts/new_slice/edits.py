"""Insertions into Python modules, at places that the syntax tree names. What surrounds them stays as it is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_Node = TypeVar("_Node", bound=ast.AST)


class Missing(Exception):
    """The module has no such place. The text says what was looked for."""


@dataclass(slots=True)
class Module:
    """A module, with insertions that are made when it is written."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Module:
        """Raises Missing."""
        if not path.is_file():
            raise Missing(f"{path.name} is missing")
        return cls(path=path, text=path.read_text(encoding="utf-8"))

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def write(self) -> None:
        self.path.write_text(self.text, encoding="utf-8")

    def class_named(self, name: str) -> ast.ClassDef:
        """Raises Missing."""
        return self.find(ast.ClassDef, lambda node: node.name == name, f"class {name}")

    def find(self, kind: type[_Node], wanted: Callable[[_Node], bool], what: str) -> _Node:
        """The first node of that kind. Raises Missing."""
        for node in ast.walk(self.tree):
            if isinstance(node, kind) and wanted(node):
                return node
        raise Missing(f"{self.path.name} has no {what}")

    def import_names(self, module: str, names: Collection[str]) -> None:
        """Import names, after the other imports. What is imported twice or unused is removed by `tree.tidy`."""
        if names:
            self.insert_lines(self._last_import(), [f"from {module} import {', '.join(sorted(names))}"])

    def import_modules(self, lines: Sequence[str]) -> None:
        """Add lines with imports, likewise."""
        self.insert_lines(self._last_import(), lines)

    def _last_import(self) -> int:
        return max(
            node.end_lineno or 0 for node in self.tree.body if isinstance(node, ast.Import | ast.ImportFrom)
        )

    def insert_lines(self, after: int, lines: Sequence[str], *, indent: int = 0) -> None:
        """Insert lines after the line with that number."""
        given = self.text.splitlines()
        given[after:after] = [f"{' ' * indent}{line}".rstrip() for line in lines]
        self.text = "\n".join(given) + "\n"

    def add_to_class(self, name: str, lines: Sequence[str], *, before: Collection[str] = ()) -> None:
        """Add attributes to a class: before the first one of these names, else after its last attribute. Raises Missing."""
        place = 0
        node = self.class_named(name)
        for statement in node.body:
            if targets(statement) & set(before):
                break
            if isinstance(statement, ast.Assign | ast.AnnAssign) or not place:
                place = statement.end_lineno or 0
        self.insert_lines(place, lines, indent=node.body[0].col_offset)

    def add_element(self, node: ast.expr, element: str) -> None:
        """Add an element to the end of a list, a tuple, a dictionary or the arguments of a call."""
        lines = self.text.splitlines(keepends=True)
        end = sum(map(len, lines[: (node.end_lineno or 1) - 1]))
        line = lines[(node.end_lineno or 1) - 1]
        end += len(line.encode()[: node.end_col_offset].decode()) - 1
        before = self.text[:end].rstrip()
        gap = "" if before.endswith((",", "(", "[", "{")) else ", "
        self.text = f"{before}{gap}{element}{self.text[end:]}"

    def add_after(self, node: ast.expr, text: str) -> None:
        """Add a text right after an expression."""
        lines = self.text.splitlines(keepends=True)
        line = lines[(node.end_lineno or 1) - 1]
        end = sum(map(len, lines[: (node.end_lineno or 1) - 1]))
        end += len(line.encode()[: node.end_col_offset].decode())
        self.text = self.text[:end] + text + self.text[end:]


def targets(statement: ast.stmt) -> set[str]:
    """The names that a statement assigns."""
    if isinstance(statement, ast.AnnAssign):
        return {statement.target.id} if isinstance(statement.target, ast.Name) else set()
    found = statement.targets if isinstance(statement, ast.Assign) else []
    return {target.id for target in found if isinstance(target, ast.Name)}


def attributes(node: ast.ClassDef) -> Iterator[str]:
    """The names of a class's attributes."""
    for statement in node.body:
        yield from targets(statement)
