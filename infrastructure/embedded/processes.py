"""Starting, recognising and ending processes. Knows nothing of what they run."""

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
    """An account of the operating system that a server runs under when we are root."""

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
    """Start a program as leader of a session of its own; with `terminal`, in ours, reading and writing where we do.

    Linux sends it the signal `death` when the thread that called this ends, so call it from the main thread.
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
    """Started by make, ask to end when make is killed: it cannot pass that on. Linux only; elsewhere this does nothing."""
    if sys.platform == "linux" and "MAKELEVEL" in os.environ:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def is_alive(pid: int) -> bool:
    """Whether a process of this id exists and is not merely waiting to be reaped."""
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
    """The command a process was started with, its parts divided by spaces; empty when there is no such process."""
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
    """Send a signal; a process that is gone already is what was wanted."""
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
    """Kill what is left of a child's process group, the child included, and reap it."""
    # A reaped leader's number is given to nobody else while a process of its group lives; with none left this is
    # "no such process", on macOS "not permitted".
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def sweep(process: subprocess.Popen[bytes]) -> None:
    """Like `kill_group`, and close the pipe it wrote to."""
    kill_group(process)
    if process.stdout is not None:
        process.stdout.close()
