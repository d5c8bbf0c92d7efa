"""History: a generation as one file, named after the day and its content, the same bytes for the same content."""

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
_SHOWN: Final = 12  # digits of the digest


def keep(folder: Path, staged: Path, units: Sequence[str], *, today: date) -> tuple[Path, bool]:
    """Archive these units below `folder`. Returns the file, and whether it is new: content that is the newest is not
    kept twice.
    """
    content = _tar(staged, units)
    ending = f"-{manifest.digest(content)[:_SHOWN]}.tar.gz"
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
            # Neither when nor by whom: the same content is the same archive.
            entry.size, entry.mtime, entry.mode = len(data), 0, 0o644
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
