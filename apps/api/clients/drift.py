"""Compares files with what would be generated now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from apps.api.clients import manifest


def differences(made: Mapping[str, str], folder: Path, listed: Mapping[str, str]) -> list[str]:
    """The differences between a folder and what would be generated, a line each.

    `made` and `listed`, the files generated before, map names to digests. Other files in the folder are ignored.
    """
    lines = []
    for name, digest in made.items():
        path = folder / name
        if not path.is_file():
            lines.append(f"{name} is missing")
        elif manifest.digest(path.read_bytes()) != digest:
            lines.append(f"{name} differs")
    lines += [
        f"{name} is no longer generated" for name in listed if name not in made and (folder / name).exists()
    ]
    return sorted(lines)
