"""Writes the hash-pinned locks of requirements/ and checks that they are in step with their inputs.

    python scripts/lock.py            write all locks, keeping the pins that still fit (--upgrade: newest of all)
    python scripts/lock.py --check    exit 1 when a lock no longer belongs to its inputs; needs no network

A lock opens with a digest over its inputs and its own body, so a change of either without the other shows.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "requirements"
# Base first: what builds on it is constrained by it. Contracts are tested from an environment of their own.
NAMES = ("base", *sorted({path.stem for path in FOLDER.glob("*.in")} - {"base"}))
ALONE = ("base", "contracts", "docs", "kubernetes", "supply", "update")
PYTHON = "3.11"
SEAL = re.compile(r"^# Made by `make lock`; do not edit\. Seal: ([0-9a-f]{64})\n\n")


def inputs(name: str) -> str:
    """The text that decides what a lock holds: its .in file and, where it builds on base, base's lock."""
    text = (FOLDER / f"{name}.in").read_text()
    return text if name in ALONE else text + (FOLDER / "base.in").read_text()


def seal(name: str, body: str) -> str:
    """The digest that ties a lock's body to its inputs."""
    return hashlib.sha256(f"{PYTHON}\0{inputs(name)}\0{body}".encode()).hexdigest()


def fault(name: str) -> str | None:
    """The fault of one lock, or None."""
    path = FOLDER / f"{name}.txt"
    if not path.exists():
        return f"requirements/{name}.txt is missing: make lock"
    text = path.read_text()
    found = SEAL.match(text)
    if found is None:
        return f"requirements/{name}.txt has no seal: make lock"
    if found[1] != seal(name, text[found.end() :]):
        return f"requirements/{name}.txt is not in step with its .in file: make lock"
    return None


def compile_lock(name: str, *, upgrade: bool) -> None:
    """Resolve one input into its lock, for every platform at once, wheels only."""
    target = FOLDER / f"{name}.txt"
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    command += ["--python-version", PYTHON, "--no-emit-index-url", "--no-emit-find-links", "--no-header"]
    command += ["--only-binary", ":all:", f"{name}.in", "-o", f"{name}.txt"]
    if name not in ALONE:
        command += ["-c", "base.txt"]
    if upgrade:
        command += ["--upgrade"]
    # Run inside the folder: the lock's comments then name the inputs without any path of this machine.
    subprocess.run(command, cwd=FOLDER, check=True)
    body = SEAL.sub("", target.read_text())
    target.write_text(f"# Made by `make lock`; do not edit. Seal: {seal(name, body)}\n\n{body}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only report")
    parser.add_argument("--upgrade", action="store_true", help="move every pin to its newest release")
    options = parser.parse_args()
    if options.check:
        faults = [text for name in NAMES if (text := fault(name))]
        print("\n".join(faults) or "locks are in step with their inputs")
        return 1 if faults else 0
    for name in NAMES:
        compile_lock(name, upgrade=options.upgrade)
        print(f"requirements/{name}.txt written", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
