"""Copies of packages in folders of other repositories.

A list beside the copies has the digest of each written file. Only unchanged copies are overwritten or removed.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from apps.api.clients import drift, manifest
from apps.api.clients.failures import ClientsError, FolderRefused
from apps.api.clients.output import NAME as OUTPUT
from apps.api.clients.output import refuse_links
from apps.api.clients.tools import ROOT

LIST: Final = ".clients.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """The files of a copy. `left` are no longer generated, but stay because they were edited."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    left: tuple[str, ...]


class Target:
    """A folder for copies. Raises FolderRefused for a folder that is an obvious mistake."""

    def __init__(self, folder: Path, *, root: Path = ROOT) -> None:
        if not folder.is_dir():
            raise FolderRefused(f"{folder} is refused: there is no such folder. Make it first.")
        self.folder = folder.resolve()
        output = root / OUTPUT
        if root.is_relative_to(self.folder) or self.folder == Path.home():
            raise FolderRefused(
                f"{folder} is refused: name a folder for clients, not one that contains the project or a home."
            )
        if self.folder.is_relative_to(output) or output.is_relative_to(self.folder):
            raise FolderRefused(f"{folder} is refused: copies cannot go into the output folder or around it.")

    def listed(self, part: str = "files") -> dict[str, str]:
        """The digests of the written files; with "next", of those that an interrupted copy was writing."""
        path = self.folder / LIST
        if not path.exists():
            return {}
        try:
            found: dict[str, str] = json.loads(path.read_text())[part]
        except (ValueError, KeyError, TypeError) as error:
            raise ClientsError(f"{path} was not written by this command: move it away.") from error
        return found

    def differences(self, staged: Path, units: Sequence[str]) -> list[str]:
        """The differences between the copies and what would be generated now, a line each."""
        listed = {name: digest for name, digest in self.listed().items() if _is_of(name, units)}
        return drift.differences(_made(staged, units), self.folder, listed)

    def copy(self, staged: Path, units: Sequence[str]) -> Synced:
        """Bring the copies of these units up to date, or change nothing.

        Raises ClientsError naming every file that must not be overwritten.
        """
        listed, made = self.listed(), _made(staged, units)
        interrupted = self.listed("next")
        if foreign := [
            name for name, digest in made.items() if not self._is_ours(name, digest, listed, interrupted)
        ]:
            raise ClientsError(
                "\n".join(
                    f"{self.folder / name} was not written by this command, or was edited since."
                    for name in foreign
                )
                + "\nNothing was copied. Move these files away, or name another folder."
            )
        gone = [
            name
            for name in listed
            if _is_of(name, units) and name not in made and (self.folder / name).exists()
        ]
        left = tuple(name for name in gone if self._digest(name) != listed[name])
        removed = tuple(name for name in gone if name not in left)
        written = tuple(name for name, digest in made.items() if self._digest(name) != digest)
        kept = {name: digest for name, digest in listed.items() if not _is_of(name, units)}
        # The list first: an interrupted copy leaves no file that is not listed.
        self._write_list(listed, made)
        for name in written:
            self._write(staged / name, self.folder / name)
        for name in removed:
            self._remove(self.folder / name)
        self._write_list(kept | made, {})
        return Synced(written=written, removed=removed, left=left)

    def _is_ours(self, name: str, digest: str, *lists: Mapping[str, str]) -> bool:
        refuse_links(self.folder, self.folder / name)
        return self._digest(name) in (None, digest, *(known[name] for known in lists if name in known))

    def _digest(self, name: str) -> str | None:
        path = self.folder / name
        return manifest.digest(path.read_bytes()) if path.is_file() else None

    def _write_list(self, files: Mapping[str, str], coming: Mapping[str, str]) -> None:
        path = self.folder / LIST
        new = path.with_name(f"{LIST}.new")
        new.write_text(
            json.dumps(
                {
                    "by": "manage.py zones clients --sync",
                    "files": dict(sorted(files.items())),
                    "next": dict(coming),
                },
                indent=1,
            )
            + "\n"
        )
        new.replace(path)

    def _write(self, origin: Path, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        shutil.copyfile(origin, new)
        new.replace(path)

    def _remove(self, path: Path) -> None:
        path.unlink()
        for folder in path.parents:
            if folder == self.folder:
                return
            with contextlib.suppress(OSError):  # it has other files
                folder.rmdir()


def _made(staged: Path, units: Sequence[str]) -> dict[str, str]:
    return {
        f"{unit}/{name}": digest for unit in units for name, digest in manifest.files(staged / unit).items()
    }


def _is_of(name: str, units: Sequence[str]) -> bool:
    return any(name.startswith(f"{unit}/") for unit in units)
