"""The archive: one file for each generation, named after its date and content. Equal content gives equal bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from apps.api.clients import manifest

NAME: Final = "archive"
_DIGITS: Final = 12  # of the digest in a name


def keep(folder: Path, staged: Path, units: Sequence[str], *, today: date) -> tuple[Path, bool]:
    """Archive these units below `folder`. Returns the file, and whether it is new: it is not when the newest file has the
    same content.
    """
    content = _tar(staged, units)
    ending = f"-{manifest.digest(content)[:_DIGITS]}.tar.gz"
    folder.mkdir(parents=True, exist_ok=True)
    newest = max(folder.glob("*.tar.gz"), key=lambda path: path.name, default=None)
    if newest is not None and newest.name.endswith(ending):
        return newest, False
    path = folder / f"{today.isoformat()}{ending}"
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(gzip.compress(content, 9, mtime=0))
    new.replace(path)
    return path, True


def _tar(staged: Path, units: Sequence[str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(path for unit in units for path in (staged / unit).rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(path.relative_to(staged).as_posix())
            data = path.read_bytes()
            # No times and no owners: equal content gives an equal archive.
            entry.size, entry.mtime, entry.mode = len(data), 0, 0o644
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
