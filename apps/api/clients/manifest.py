"""The manifest of a package: `.generated.json` lists its files with their digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

NAME: Final = ".generated.json"


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def files(folder: Path) -> dict[str, str]:
    """The digest of every file below a folder except the manifest, sorted by name."""
    return {
        path.relative_to(folder).as_posix(): digest(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != NAME
    }


def write(folder: Path, about: Mapping[str, Any]) -> None:
    """Write the manifest of a complete package."""
    content = {"by": "manage.py zones clients", **about, "files": files(folder)}
    (folder / NAME).write_text(json.dumps(content, indent=1) + "\n")


def read(folder: Path) -> dict[str, str]:
    """The files of a package when it was generated; empty for other folders."""
    if not is_there(folder):
        return {}
    found: dict[str, str] = json.loads((folder / NAME).read_text())["files"]
    return found


def is_there(folder: Path) -> bool:
    """Whether a folder is a generated package."""
    return (folder / NAME).is_file()


def folders(top: Path) -> Iterator[Path]:
    """The packages below a folder."""
    return (path.parent for path in sorted(top.rglob(NAME)))
