"""Starts, recognises and ends processes."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).with_name("launch.py")
PR_SET_PDEATHSIG = 1
PROC = Path("/proc")
POLL = 0.01  # seconds between looks at a process that is starting or ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating system account that a server runs under when we are root."""

    name: str
    uid: int
    gid: int


def spawn(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    death: signal.Signals = signal.SIGKILL,
    output: int | IO[bytes] = subprocess.DEVNULL,
    terminal: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program as leader of its own session; with `terminal`, in ours, attached to our terminal.

    Linux sends it the signal `death` when the calling thread ends, so call it from the main thread.
    """
    spec = {
        "uid": account.uid if account else None,
        "gid": account.gid if account else None,
        "parent": os.getpid(),
        "death": int(death),
        "cwd": str(cwd),
    }
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(spec), *map(str, command)],
        env=None if env is None else dict(env),
        stdin=None if terminal else subprocess.DEVNULL,
        stdout=None if terminal else output,
        stderr=None if terminal else subprocess.STDOUT,
        start_new_session=not terminal,
    )


def end_with_parent() -> None:
    """Started by make, ask to end when make is killed, since it cannot pass that on. Linux only; elsewhere this does nothing."""
    if sys.platform == "linux" and "MAKELEVEL" in os.environ:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def is_alive(pid: int) -> bool:
    """Whether a process of this id exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return not (PROC / "self").exists()


def command_line(pid: int) -> str:
    """The command of a process, its parts joined by spaces; empty when there is no such process."""
    if (PROC / "self").exists():
        with contextlib.suppress(OSError):
            return (
                (PROC / str(pid) / "cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="replace")
                .strip()
            )
        return ""
    answer = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
    return answer.stdout.decode(errors="replace").strip()


def signal_process(pid: int, number: signal.Signals) -> None:
    """Send a signal, ignoring a process that is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def end_stranger(pid: int, steps: Sequence[tuple[signal.Signals, float]]) -> bool:
    """End a process that is not our child: each signal in turn, with the seconds it may take. True when it is gone."""
    for number, patience in steps:
        signal_process(pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not is_alive(pid):
                return True
            time.sleep(POLL)
    return not is_alive(pid)


def wait(process: subprocess.Popen[bytes], patience: float) -> bool:
    """Wait for a child. True when it ended in time."""
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        return False
    return True


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill and reap what is left of a child's process group."""
    # The number of a reaped leader is not reused while a process of its group runs; with none left this is
    # "no such process", on macOS "not permitted".
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def sweep(process: subprocess.Popen[bytes]) -> None:
    """Like `kill_group`, and close its output pipe."""
    kill_group(process)
    if process.stdout is not None:
        process.stdout.close()
