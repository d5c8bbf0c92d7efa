"""The output folder: nothing is written outside of it, and nothing in it changes unless everything was made.

A generation goes to a folder of its own inside of the output folder. When all of it is there, each package takes its
place by being renamed; when one cannot, those before it go back. What a killed run left is put right by the next.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from apps.api.clients import manifest
from apps.api.clients.failures import ClientsError, FolderRefused
from apps.api.clients.tools import ROOT

NAME: Final = "clients"
_NEW, _OLD = ".new-", ".old-"
_OURS: Final = re.compile(r"\.(?:new|old)-[0-9a-f]{12}")


class Output:
    """The project's folder for clients, or one inside of it. Raises FolderRefused for any other."""

    def __init__(self, folder: Path | None = None, *, root: Path = ROOT) -> None:
        self.root = root
        self.folder = self._checked(folder if folder is not None else root / NAME)

    def _checked(self, folder: Path) -> Path:
        home = self.root / NAME
        # Without following links: where a link leads is nobody's business here, it is refused.
        path = Path(os.path.abspath(folder))  # noqa: PTH100
        if not path.is_relative_to(home):
            raise FolderRefused(
                f"{folder} is refused: clients are written to {home} and below it, nowhere else."
            )
        refuse_links(self.root, path)
        if path.exists() and not path.is_dir():
            raise FolderRefused(f"{path} is refused: it is not a folder.")
        return path

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder, and put right what a killed run left. Raises ClientsError when another one holds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ClientsError(f"Another run writes to {self.folder}: wait for it.") from None
            self._recover()
            yield

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """An empty folder beside the packages, gone afterwards."""
        path = self.folder / f"{_NEW}{secrets.token_hex(6)}"
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def place(self, name: str) -> Path:
        """Where a package is. Raises FolderRefused when something that is not ours is there."""
        target = self.folder / name
        refuse_links(self.folder, target)
        if target.exists() and not manifest.is_there(target):
            raise FolderRefused(f"{target} was not made by this command: move it away.")
        return target

    def swap(self, staged: Path, names: Sequence[str]) -> None:
        """Put packages in their places, all or none. Raises FolderRefused, OSError."""
        targets = {name: self.place(name) for name in names}
        aside = self.folder / f"{_OLD}{staged.name.removeprefix(_NEW)}"
        with contextlib.ExitStack() as undo:
            for name, target in targets.items():
                target.parent.mkdir(parents=True, exist_ok=True)
                if target.exists():
                    (aside / name).parent.mkdir(parents=True, exist_ok=True)
                    (target).rename(aside / name)
                    undo.callback((aside / name).rename, target)
                (staged / name).rename(target)
                undo.callback(target.rename, staged / name)
            undo.pop_all()
        shutil.rmtree(aside, ignore_errors=True)

    def _recover(self) -> None:
        for left in sorted(path for path in self.folder.iterdir() if _OURS.fullmatch(path.name)):
            if left.is_symlink() or not left.is_dir():
                continue
            if left.name.startswith(_OLD):
                for package in manifest.folders(left):
                    target = self.folder / package.relative_to(left)
                    if not target.exists():
                        target.parent.mkdir(parents=True, exist_ok=True)
                        package.rename(target)
            shutil.rmtree(left)


def refuse_links(top: Path, path: Path) -> None:
    """Raise FolderRefused when anything between `top` and `path` is a symbolic link."""
    for step in (path, *path.parents):
        if step == top:
            return
        if step.is_symlink():
            raise FolderRefused(f"{step} is refused: it is a symbolic link.")
