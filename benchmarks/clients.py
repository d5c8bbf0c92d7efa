"""TypeScript and Python clients of four zones beside django-revolution 1.0.46, in one run: `.venv/bin/python -m benchmarks.clients`.

Both run as whole processes, in turns. Sarsen's generates the packages of `make clients` from the project's own zones,
type-checked and with `dist/`. The peer generates the packages of `revolution --generate` from four zones with one viewset each
(`benchmarks.zones`), and neither compiles nor checks them; its formatter is left out, because it needs the network. The
peer uses Sarsen's pinned Node and openapi-ts; by default it takes those that `npx` finds. Needs `make clients-tools`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from apps.api.clients import tools
from benchmarks.zones.measuring import ENVIRONMENT, ROOT
from benchmarks.zones.peer import Peer

OURS = ROOT / "clients" / "benchmark"
BAR = 5.0  # seconds


def seconds(command: list[Any], folder: Path, environment: dict[str, str]) -> float:
    """The duration of a command. Raises CalledProcessError when it fails."""
    begun = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - begun


def equip(peer: Peer, folder: Path) -> dict[str, str]:
    """Install Node and openapi-ts for the peer. Returns its environment."""
    node = tools.node()
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin"
    programs = folder / "bin"
    programs.mkdir()
    for name in ("npm", "npx"):
        (programs / name).write_text(f'#!/bin/sh\nexec "{node}" "{npm / name}-cli.js" "$@"\n')
        (programs / name).chmod(0o755)
    (programs / "node").symlink_to(node)
    package = next(peer.python.parent.parent.glob("lib/python3.*/site-packages/django_revolution"))
    (package / "node_modules").symlink_to(tools.FOLDER / "node_modules")
    path = os.pathsep.join([str(programs), str(peer.python.parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "npm_config_offline": "true", "npm_config_yes": "true"}


def main() -> int:
    """Returns 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=3)
    turns = parser.parse_args().turns
    tools.find()
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        peer = Peer(folder)
        environment = equip(peer, folder)
        try:
            for _ in range(turns):
                command = [sys.executable, "manage.py", "zones", "clients", "--output", OURS]
                ours.append(seconds(command, ROOT, ENVIRONMENT))
                command = [peer.python, "manage.py", "revolution", "--generate", "--no-archive"]
                theirs.append(seconds(command, peer.project, environment))
            written = {
                "ours": len([path for path in OURS.rglob("*") if path.is_file()]),
                "peer": sum(
                    len(list(peer.project.rglob(f"openapi/clients/**/*{end}"))) for end in (".ts", ".py")
                ),
            }
        finally:
            shutil.rmtree(OURS, ignore_errors=True)
    for label, taken in (("Sarsen", ours), ("django-revolution 1.0.46", theirs)):
        print(f"{label:<26} best {min(taken):5.2f} s   median {statistics.median(taken):5.2f} s")
    print(f"files: {written['ours']} beside {written['peer']}")
    print(f"{statistics.median(theirs) / statistics.median(ours):.1f} times as fast; the bar is {BAR} s")
    return 0 if min(ours) <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
