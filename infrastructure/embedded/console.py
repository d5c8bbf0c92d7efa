"""Merges the output of many processes into one log: each line under its process's name, in colour on a terminal."""

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
NOISE = ("Memory overcommit must be enabled",)  # advice for production machines
LONGEST = 64 * 1024  # bytes; a longer line is shown in parts
WIDTH = 8


class Console:
    """Writes to standard output until its reader closes it."""

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
        """Write one line under a name."""
        label = f"{name:<{WIDTH}}"
        if self.file is not None and name != "stack":
            with self.file.open("a", errors="replace") as file:
                file.write(f"{label} | {text}\n")
            return
        if self.colour:
            label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m"
        self.write(f"{label} | {text}\n".encode(errors="replace"))

    def say(self, text: str) -> None:
        """Write a line of the supervisor."""
        for part in text.splitlines():
            self.line("stack", part)

    def feed(self, name: str, data: bytes) -> None:
        """Show the whole lines that a process wrote, and keep an incomplete last one."""
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
        """Show the incomplete last line of a process that closed its output."""
        if rest := self.partial.pop(name, b""):
            self.line(name, rest.decode(errors="replace"))

    def write(self, data: bytes) -> None:
        # The reader may have exited (`make run | head`); the stack goes on without a log.
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self.descriptor, data) :]


def banner(url: str, summary: Path, seconds: float) -> str:
    """The addresses and demo logins, from the summary that the seed wrote."""
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
    """Write the one line of a failed command."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"error: {text}\n")
        sys.stderr.flush()
