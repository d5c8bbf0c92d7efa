"""The list of what a package holds: `.generated.json` inside of it, each file with its digest."""

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
    """Every file below a folder with its digest, but for the manifest, in order."""
    return {
        path.relative_to(folder).as_posix(): digest(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != NAME
    }


def write(folder: Path, about: Mapping[str, Any]) -> None:
    """Put the manifest into a package that is complete."""
    content = {"by": "manage.py zones clients", **about, "files": files(folder)}
    (folder / NAME).write_text(json.dumps(content, indent=1) + "\n")


def read(folder: Path) -> dict[str, str]:
    """What a package held when it was made; nothing when it was not made by us."""
    if not is_there(folder):
        return {}
    found: dict[str, str] = json.loads((folder / NAME).read_text())["files"]
    return found


def is_there(folder: Path) -> bool:
    """Whether a folder is a package of ours."""
    return (folder / NAME).is_file()


def folders(top: Path) -> Iterator[Path]:
    """The packages below a folder."""
    return (path.parent for path in sorted(top.rglob(NAME)))
