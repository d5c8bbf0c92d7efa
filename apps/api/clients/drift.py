"""Whether what is there is what would be made now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from apps.api.clients import manifest


def differences(made: Mapping[str, str], folder: Path, listed: Mapping[str, str]) -> list[str]:
    """How the files of a folder differ from what would be made, a line each. `listed` is what was made there before.

    Both map names to digests. A file that was never made there does not count.
    """
    lines = []
    for name, digest in made.items():
        path = folder / name
        if not path.is_file():
            lines.append(f"{name} is missing")
        elif manifest.digest(path.read_bytes()) != digest:
            lines.append(f"{name} differs")
    lines += [f"{name} is no longer made" for name in listed if name not in made and (folder / name).exists()]
    return sorted(lines)
