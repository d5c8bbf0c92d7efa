"""Shared parts of the measurements: processes, calls, measurements inside of Sarsen's process, and output.

The peer's environment imports it as well: only the standard library here.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ZONES = 50
# Compilation would be most of a start.
INHERITED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
NOWHERE = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
ENVIRONMENT = {
    **INHERITED,
    **NOWHERE,
    "DJANGO_SETTINGS_MODULE": "config.settings.test",
    "DJANGO_READ_DOT_ENV": "0",
    "LOG_LEVEL": "CRITICAL",
}


def seconds(command: list[Any], folder: Path, environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return time.perf_counter() - begun


def best_of(call: Callable[[], object], *, per: int = 1, times: int = 60) -> tuple[float, float]:
    """Best and median milliseconds of a call, divided by `per`, warm and after a garbage collection."""
    import gc

    for _ in range(5):
        call()
    gc.collect()
    gc.freeze()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000 / per)
    return min(taken), statistics.median(taken)


def by_wsgi(application: Any, path: str, **more: str) -> Callable[[], tuple[int, dict[str, str], bytes]]:
    """A GET straight to a WSGI application, as a server would hand it over: status, headers, body."""
    from wsgiref.util import setup_testing_defaults

    def call() -> tuple[int, dict[str, str], bytes]:
        environ: dict[str, Any] = {
            "PATH_INFO": path,
            "HTTP_HOST": "localhost",
            "REMOTE_ADDR": "127.0.0.1",
            **more,
        }
        setup_testing_defaults(environ)
        told: list[Any] = []
        answer = application(environ, lambda status, headers, *_: told.extend((status, headers)))
        body = b"".join(answer)
        answer.close()
        return int(told[0].split()[0]), {name.lower(): value for name, value in told[1]}, body

    return call


def show(
    what: str, ours: tuple[float, float], theirs: tuple[float, float] | None, bar: str, unit: str = "ms"
) -> None:
    line = f"{what:<44} {ours[0]:8.3f} ({ours[1]:.3f}) {unit}"
    if theirs is not None:
        line += f"   peer {theirs[0]:8.3f} ({theirs[1]:.3f})   {theirs[0] / ours[0]:6.1f} times"
    print(f"{line}   bar: {bar}", flush=True)


def ask(part: str, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.zones", "--inside", part],
        cwd=ROOT,
        env=ENVIRONMENT | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
