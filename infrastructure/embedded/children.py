"""The processes that `make run` starts besides the databases. Nothing here starts anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infrastructure.embedded import data_dirs

SETTINGS = "config.settings.development"
# As in the Dockerfile: glibc returns the memory of large bodies to the system.
ALLOCATOR = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process of the stack: its name in the log, its command, the seconds it may take to end, and whether it restarts when
    the code changes.
    """

    name: str
    command: tuple[str, ...]
    patience: float = 5.0
    reloads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Everything that one `make run` runs on top of the servers. `children` end in this order."""

    prepare: Child
    children: tuple[Child, ...]
    health: str = "/healthz"  # answered by the first child once it is ready


def watcher(*, supervisor: int, folders: Sequence[Path]) -> Child:
    """The process that reports changes of the code."""
    command = (sys.executable, "-m", "infrastructure.embedded.watcher", str(supervisor), *map(str, folders))
    return Child(name="reload", command=command, patience=1.0)


def development(*, host: str, port: int, summary: Path, reload: bool = False, debug_port: int = 0) -> Stack:
    """The processes of development: migrate and seed, then the server, beat and the worker.

    With `debug_port`, debuggers attach to that port and the following ones, in the order of the children.
    """

    def module(number: int) -> tuple[str, ...]:
        if not debug_port:
            return ("-m",)
        return (
            "-X",
            "frozen_modules=off",
            "-m",
            "debugpy",
            "--listen",
            f"127.0.0.1:{debug_port + number}",
            "-m",
        )

    python = (sys.executable, "-X", "utf8")
    # As root, as in many containers, Celery would print a warning of eight lines.
    quiet = ("-W", "ignore:You're running the worker with superuser privileges")
    celery = ("celery", "--quiet", "--app", "config.celery")
    folders = [data_dirs.CHECKOUT / name for name in ("apps", "config", "infrastructure")]
    return Stack(
        prepare=Child(
            name="prepare",
            command=(*python, "manage.py", "prepare", "--demo", "--summary", str(summary)),
            patience=3,
        ),
        children=(
            Child(
                name="server",
                command=(*python, *module(0), "config.serve", "--host", host, "--port", str(port)),
                patience=10,
                reloads=True,
            ),
            Child(
                name="beat",
                command=(*python, *quiet, *module(1), *celery, "beat", "--pidfile="),
                reloads=True,
            ),
            Child(
                name="worker",
                # Threads: one process holds the code once, and four tasks that wait for I/O run side by side.
                command=(
                    *(*python, *quiet, *module(2), *celery, "worker", "--pool", "threads"),
                    *("--concurrency", "4", "--without-mingle"),
                ),
                patience=8,
                reloads=True,
            ),
            *([watcher(supervisor=os.getpid(), folders=folders)] if reload else []),
        ),
    )


def environment(*, urls: Mapping[str, str], public_url: str) -> dict[str, str]:
    """The environment of a child: addresses of the servers, and the development settings."""
    env = {**ALLOCATOR, **os.environ, **urls}
    env["DJANGO_SETTINGS_MODULE"] = SETTINGS
    env["PYTHONUNBUFFERED"] = "1"
    env["PUBLIC_URL"] = env.get("PUBLIC_URL") or public_url
    return env
