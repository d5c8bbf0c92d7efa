"""Executes a Markdown page's shell sessions and compares what they print with what the page shows.

    python scripts/readme.py README.md

Blocks fenced as `console` are run, in order, in one bash: lines after `$ ` are commands (`> ` continues one), the lines
below are the output that the reader is promised. In them `…` matches any text, and a line of only `…` for any
number of lines. Exits 1 and shows the difference when the page promises something that does not happen.
"""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)")
_TIMEOUT = 60.0  # seconds for one command


@dataclass
class Step:
    """One command with the output that the page shows for it."""

    line: int
    command: str
    expected: list[str] = field(default_factory=list)


def steps(markdown: str) -> list[Step]:
    """The commands of every `console` block, in order."""
    found: list[Step] = []
    language: str | None = None
    for number, text in enumerate(markdown.splitlines(), start=1):
        if fence := _FENCE.match(text):
            language = fence.group(1) if language is None else None
        elif language == "console":
            if text.startswith("$ "):
                found.append(Step(line=number, command=text[2:]))
            elif (text == ">" or text.startswith("> ")) and found and not found[-1].expected:
                found[-1].command += "\n" + text[2:]
            elif found:
                found[-1].expected.append(text)
    return found


def matches(expected: list[str], actual: list[str]) -> bool:
    """Whether the output is what the page promises; trailing blank lines do not count."""
    pattern = []
    for text in expected:
        if text.strip() == "…":
            pattern.append(r"(?:[^\n]*\n)*")
        else:
            pattern.append("[^\n]*".join(re.escape(part) for part in text.rstrip().split("…")) + r"\n")
    printed = "".join(f"{text.rstrip()}\n" for text in actual)
    return re.fullmatch("".join(pattern) + r"\n*", printed) is not None


class Shell:
    """One bash that keeps its variables and its folder between commands."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PS1": "", "TERM": "dumb", "NO_COLOR": "1"},
        )
        self._count = 0

    def run(self, command: str) -> tuple[int, list[str]]:
        """The command's exit status and output lines. Raises TimeoutError after a minute."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._count += 1
        mark = f"--end-of-command-{self._count}--"
        self._process.stdin.write(f"{command}\nprintf '\\n{mark} %s\\n' $?\n".encode())
        self._process.stdin.flush()
        printed = b""
        end = re.compile(rb"\n?" + mark.encode() + rb" (\d+)\n$")
        deadline = time.monotonic() + _TIMEOUT
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not (found := end.search(printed)):
                if not selector.select(timeout=max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"no end after {_TIMEOUT:.0f} s: {command}")
                chunk = os.read(self._process.stdout.fileno(), 65536)
                if not chunk:
                    raise TimeoutError(f"the shell ended during: {command}")
                printed += chunk
        return int(found.group(1)), printed[: found.start()].decode(errors="replace").splitlines()

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()


def main(paths: list[str]) -> int:
    """Run each page; the number of steps that went otherwise than shown."""
    failures = 0
    total = 0
    for path in paths:
        shell = Shell()
        try:
            for step in steps(Path(path).read_text(encoding="utf-8")):
                total += 1
                status, actual = shell.run(step.command)
                if matches(step.expected, actual):
                    continue
                failures += 1
                sys.stdout.write(f"{path}:{step.line}: $ {step.command}\n  promised:\n")
                sys.stdout.writelines(f"    {text}\n" for text in step.expected)
                sys.stdout.write(f"  printed (exit {status}):\n")
                sys.stdout.writelines(f"    {text}\n" for text in actual)
        finally:
            shell.close()
    sys.stdout.write(f"{total - failures} passed, {failures} failed\n")
    return 1 if failures or not total else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
