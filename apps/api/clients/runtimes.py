"""Finds the hand-written modules of a package and copies them. Slices declare them (apps/common/client_runtime)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from apps.api.clients.failures import ClientsError
from apps.api.clients.plan import Source
from apps.common import slices
from apps.common.client_runtime import BASE, Runtime

# `from apps.….python.module import`, `from "../../….typescript/module.js"`
_PYTHON_IMPORT: Final = re.compile(r"^from apps(?:\.\w+)+\.python\.(\w+) import", re.MULTILINE)
_TYPESCRIPT_IMPORT: Final = re.compile(r'(from "\.)\.?/(?:[\w.]+/)+(\w+\.js";)')


def runtimes(of: Iterable[Source]) -> tuple[Runtime, ...]:
    """The runtimes for these sources, those of every package first. Raises ClientsError when two have the same module."""
    sources = tuple(of)
    declared = [(label, module.RUNTIME) for label, module in slices.modules("clients.runtime")]
    everywhere = [runtime for _, runtime in declared if runtime.in_every_package]
    others = [
        runtime
        for label, runtime in declared
        if not runtime.in_every_package
        and any(source.signs_in and label in source.zone.slices for source in sources)
    ]
    chosen = dict.fromkeys(_with_needs([BASE, *everywhere, *others]))
    _check_unique(chosen)
    return tuple(chosen)


def python_exports(source: Source) -> dict[str, tuple[str, ...]]:
    """The names that a Python package exports, by module."""
    return {name: names for runtime in runtimes([source]) for name, names in runtime.python.items() if names}


def copy_python(source: Source, target: Path) -> None:
    """Copy the modules of a Python package."""
    (target / "__init__.py").write_text('"""The hand-written modules of this client."""\n')
    for runtime in runtimes([source]):
        for name in runtime.python:
            text = (runtime.folder / "python" / f"{name}.py").read_text()
            (target / f"{name}.py").write_text(_PYTHON_IMPORT.sub(r"from .\1 import", text))


def copy_typescript(sources: Iterable[Source], target: Path) -> tuple[str, ...]:
    """Copy the modules of a TypeScript package. Returns the names of those that it exports."""
    chosen = runtimes(sources)
    for runtime in chosen:
        for name in (*runtime.typescript, *runtime.typescript_internal):
            text = (runtime.folder / "typescript" / f"{name}.ts").read_text()
            (target / f"{name}.ts").write_text(_TYPESCRIPT_IMPORT.sub(r"\1/\2", text))
    return tuple(name for runtime in chosen for name in runtime.typescript)


def _with_needs(chosen: Iterable[Runtime]) -> Iterator[Runtime]:
    for runtime in chosen:
        yield from _with_needs(runtime.needs)
        yield runtime


def _check_unique(chosen: Iterable[Runtime]) -> None:
    owners: dict[str, Path] = {}
    for runtime in chosen:
        files = [f"{name}.py" for name in runtime.python]
        files += [f"{name}.ts" for name in (*runtime.typescript, *runtime.typescript_internal)]
        for file in files:
            other = owners.setdefault(file, runtime.folder)
            if other != runtime.folder:
                raise ClientsError(f"{other} and {runtime.folder} both bring {file} for clients: rename one.")
