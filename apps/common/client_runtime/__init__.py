"""The hand-written part of generated clients: what all of them share, and how a slice declares its own part.

A slice declares a `RUNTIME` in its `clients/runtime.py`, beside the folders `python/` and `typescript/` with its modules.
The generator copies them into packages, all into one folder: module names are unique across slices. In the repository
they import each other by full path; the generator makes these imports relative. The product itself imports none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Readme:
    """The part of a package's README about a runtime, in zones whose callers sign in.

    `{package}` and `{module}` in `section` are replaced by the name in the registry and the name to import. `imports` and
    `setup` go into the README's first example.
    """

    section: str
    imports: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runtime:
    """Modules for generated packages.

    They go into the packages of zones that mount the slice and whose callers sign in, or into every package.
    """

    folder: Path
    """Has `python/` and `typescript/`."""
    python: Mapping[str, tuple[str, ...]]
    """Module → the names that the package exports."""
    typescript: tuple[str, ...]
    """Modules whose names the package exports."""
    typescript_internal: tuple[str, ...] = ()
    """Modules that only other modules import."""
    python_requirements: tuple[str, ...] = ()
    needs: tuple[Runtime, ...] = ()
    in_every_package: bool = False
    readmes: Mapping[str, Readme] = field(default_factory=dict)
    """By language: `python`, `typescript`."""


_FOLDER: Final = Path(__file__).parent

BASE: Final = Runtime(
    folder=_FOLDER,
    python={
        "client": ("Client",),
        "problem": ("ClientError", "FieldProblem", "NetworkError", "ProblemError", "UnexpectedAnswer"),
        "pages": ("apaginate", "paginate"),
    },
    typescript=("problem", "connect", "pages"),
    typescript_internal=("ids",),
    in_every_package=True,
)
"""Calls, failures and pages."""

SOCKETS: Final = Runtime(
    folder=_FOLDER,
    python={
        "reconnecting_socket": ("CloseCode", "SocketStopped", "State"),
        "pacing": ("wait_before",),
    },
    typescript=("reconnecting_socket",),
    typescript_internal=("pacing",),
    python_requirements=("websockets>=15",),
)
"""The base of the sockets of slices. A slice with a socket names it in `needs`."""
