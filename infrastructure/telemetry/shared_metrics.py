"""Metrics of several processes that add up, through files in one folder (prometheus_client's multiprocess mode).

The main process calls `begin` before `infrastructure.telemetry.metrics` is imported, because a metric decides when it is
made where its figures are kept. After a fork, each child calls `enter` with the number of its slot. A process that takes
over a slot goes on counting in the files of its predecessor, so that no sum falls and the number of files stays bounded.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from infrastructure.product import PRODUCT

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX: Final = f"{PRODUCT.slug}-metrics-"
_METRICS: Final = "infrastructure.telemetry.metrics"
_slot = "main"
_folder: Path | None = None


def begin(parent: Path | None = None) -> Path:
    """Make the folder, by default in memory, and remove those of processes that have ended.

    A second call returns the same folder: gunicorn reads its configuration again at a reload. Raises RuntimeError when the
    metrics have been made.
    """
    global _folder
    if _folder is not None:
        return _folder
    if _METRICS in sys.modules:
        raise RuntimeError(f"Call shared_metrics.begin before {_METRICS} is imported.")
    memory = Path("/dev/shm")  # noqa: S108  (the folder in it is private)
    parent = parent or (memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir()))
    with _locked(parent):
        for folder in parent.glob(f"{_PREFIX}*"):
            _remove_stale(folder)
        _folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        # Never closed: this process and its children hold the folder for as long as they live.
        fcntl.flock(os.open(_folder, os.O_RDONLY), fcntl.LOCK_EX)
    os.environ[VARIABLE] = str(_folder)
    atexit.register(_remove, _folder, os.getpid())
    os.register_at_fork(after_in_child=_forked)
    from prometheus_client import values

    values.ValueClass = values.MultiProcessValue(lambda: _slot)  # type: ignore[no-untyped-call]
    return _folder


def enter(slot: int) -> None:
    """Count in the files of this slot, which no other living process has."""
    global _slot
    leave(slot)  # of a predecessor whose end nobody noticed
    _slot = str(slot)


def leave(slot: int) -> None:
    """Drop the gauges of a process that has ended; its counts stay."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(slot)  # type: ignore[no-untyped-call]


def _forked() -> None:
    # Never in the files of the parent, even where nobody gives out slots.
    global _slot
    _slot = f"pid{os.getpid()}"


@contextmanager
def _locked(folder: Path, flags: int = 0) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | flags)
        yield
    finally:
        os.close(opened)


def _remove_stale(folder: Path) -> None:
    """Remove a folder that no process holds. One of another user, or in use, cannot be opened or locked."""
    with suppress(OSError), _locked(folder, fcntl.LOCK_NB):
        shutil.rmtree(folder)


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
