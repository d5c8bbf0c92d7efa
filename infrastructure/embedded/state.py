"""Records which command runs this checkout's servers, for other commands of the same checkout."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from infrastructure.embedded import data_dirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The command that owns the servers: its process, its kind, the site's address if it serves one, and the servers'."""

    pid: int
    what: str
    site: str
    urls: dict[str, str]


class Claim:
    """The exclusive right to start this checkout's servers; the kernel releases it when its holder dies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.note = folder / "running.json"
        self.file: IO[str] | None = None

    def take(self) -> bool:
        """Take it if it is free."""
        file = (self.folder / "running.lock").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self.file = file
        self.note.unlink(missing_ok=True)
        return True

    def retire(self) -> None:
        """Announce that the servers are about to stop."""
        self.note.unlink(missing_ok=True)

    def take_within(self, seconds: float) -> bool:
        """`take`, after waiting for an owner that is starting or stopping."""
        deadline = time.monotonic() + seconds
        while not self.take():
            if self.owner() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def publish(self, running: Running) -> None:
        """Publish the addresses of the servers, readable by the developer alone, since they contain passwords."""
        data_dirs.write_private(self.note, json.dumps(asdict(running)))

    def owner(self) -> Running | None:
        """The current owner, as far as it has published itself."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return Running(**json.loads(self.note.read_text()))
        return None

    def release(self) -> None:
        if self.file is not None:
            self.note.unlink(missing_ok=True)
            self.file.close()
            self.file = None


def taken_by(owner: Running | None) -> str:
    """The message for a command that wants the servers while another one has them."""
    if owner is None:
        return "this checkout is being started or stopped by another command: try again in a moment"
    if owner.site:
        return f"already running at {owner.site} (process {owner.pid}): open it, or stop it with Ctrl-C there"
    return f"`{owner.what}` (process {owner.pid}) has the servers of this checkout: end it first"


@contextlib.contextmanager
def using(folder: Path) -> Iterator[None]:
    """Keep the servers of another command up for the duration of a block."""
    with (folder / "attached.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def in_use(folder: Path) -> bool:
    """Whether other commands use our servers."""
    with (folder / "attached.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
