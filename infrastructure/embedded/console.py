"""One readable log out of many processes: every line under its process's name, in colour where a terminal shows it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from infrastructure.product import PRODUCT

COLOURS = {
    "stack": 36,
    "reload": 36,
    "postgres": 34,
    "valkey": 35,
    "prepare": 33,
    "server": 32,
    "beat": 95,
    "worker": 94,
}
NOISE = ("Memory overcommit must be enabled",)  # advice for the owner of a production machine
LONGEST = 64 * 1024  # bytes of a line without an end after which it is shown as it is
WIDTH = 8


class Console:
    """Writes to standard output for as long as anybody reads it."""

    def __init__(self, *, descriptor: int = 1, environ: Mapping[str, str] = os.environ) -> None:
        self.descriptor = descriptor
        self.partial: dict[str, bytes] = {}
        self.colour = False
        self.file: Path | None = None  # where lines of processes go instead
        self.count = 0  # bytes shown so far
        with contextlib.suppress(OSError):
            self.colour = (
                os.isatty(descriptor) and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
            )

    def line(self, name: str, text: str) -> None:
        """One line under a name."""
        label = f"{name:<{WIDTH}}"
        if self.file is not None and name != "stack":
            with self.file.open("a", errors="replace") as file:
                file.write(f"{label} | {text}\n")
            return
        if self.colour:
            label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m"
        self.write(f"{label} | {text}\n".encode(errors="replace"))

    def say(self, text: str) -> None:
        """A line of the supervisor's own."""
        for part in text.splitlines():
            self.line("stack", part)

    def feed(self, name: str, data: bytes) -> None:
        """What a process wrote: whole lines are shown, a rest waits for its end."""
        self.count += len(data)
        *lines, rest = (self.partial.get(name, b"") + data).split(b"\n")
        if len(rest) > LONGEST:
            lines, rest = [*lines, rest], b""
        self.partial[name] = rest
        for line in lines:
            text = line.rstrip(b"\r").decode(errors="replace")
            if not any(noise in text for noise in NOISE):
                self.line(name, text)

    def finish(self, name: str) -> None:
        """A process closed its output: show what had no end of line."""
        if rest := self.partial.pop(name, b""):
            self.line(name, rest.decode(errors="replace"))

    def write(self, data: bytes) -> None:
        # Whoever read us may be gone (`make run | head`); the stack goes on, its log then goes nowhere.
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self.descriptor, data) :]


def banner(url: str, summary: Path, seconds: float) -> str:
    """Where to go and who to be, from what the seed wrote."""
    content: dict[str, object] = {}
    with contextlib.suppress(FileNotFoundError):
        content = json.loads(summary.read_text())
    urls, logins = content.get("urls", []), content.get("logins", [])
    lines = ["", f"{PRODUCT.name} is up: {url}  (after {seconds:.1f} s)", ""]
    if isinstance(urls, list):
        lines += [f"  {label:<16} {path if '://' in path else url + path}" for label, path in urls]
    if isinstance(logins, list) and logins:
        lines += ["", "  Demo logins"]
        lines += [f"  {login['email']:<24} {login['password']:<20} {login['role']}" for login in logins]
    if key := content.get("service_key"):
        lines += ["", f"  Service key      {key}"]
    lines += ["", "Ctrl-C stops everything; the data stays.", ""]
    return "\n".join(line or " " for line in lines)


def stderr(text: str) -> None:
    """The one line that a failed command leaves."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"error: {text}\n")
        sys.stderr.flush()
