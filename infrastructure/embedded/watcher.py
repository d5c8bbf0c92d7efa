"""Watches the project's code for `make run`: python -m infrastructure.embedded.watcher PID FOLDER...

Sends SIGUSR1 to the supervisor when a module changes that a process of the stack may have loaded. A file that does not
compile is named instead, and what runs goes on.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from watchfiles import Change, PythonFilter, watch

QUIET = 100  # milliseconds without a change after which a change counts as complete


class Loaded(PythonFilter):
    """Python files that processes of the stack load: no tests, and not what supervises them."""

    def __call__(self, change: Change, path: str) -> bool:
        unloaded = "/tests/" in path or path.endswith("/conftest.py") or "/infrastructure/embedded/" in path
        return not unloaded and super().__call__(change, path)


def faults(paths: Iterable[Path]) -> list[str]:
    """The errors that keep files from being compiled, each with its position."""
    found = []
    for path in sorted(paths):
        try:
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except FileNotFoundError:
            continue  # removed, or replaced by its editor just now
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            found.append(f"{path}:{line}: {getattr(error, 'msg', None) or error}")
    return found


def main(arguments: Sequence[str]) -> None:
    """Watch until killed."""
    supervisor, folders = int(arguments[0]), arguments[1:]
    try:
        for changes in watch(*folders, watch_filter=Loaded(), step=QUIET, raise_interrupt=False):
            names = ", ".join(sorted({os.path.relpath(path) for _, path in changes}))
            if broken := faults(Path(path) for change, path in changes if change != Change.deleted):
                print("\n".join(broken), flush=True)
            else:
                print(f"{names} changed", flush=True)
                os.kill(supervisor, signal.SIGUSR1)
    except OSError as error:
        print(f"cannot watch for changes ({error}); RELOAD=0 starts without", flush=True)
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1:])
