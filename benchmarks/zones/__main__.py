"""Run the parts."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import benchmarks.zones
from benchmarks.zones import commands, mounting, schemas, seeds
from benchmarks.zones.peer import PEER, Peer

PARTS: dict[str, Callable[[Any], object]] = {
    "mounting": mounting.run,
    "commands": commands.run,
    "schema": schemas.run,
    "seeds": seeds.run,
}
# Functions that run inside of a process of Sarsen.
INSIDE: dict[str, Callable[[], dict[str, Any]]] = {
    "mounting": mounting.inside,
    "schema": schemas.inside,
    "dump": seeds.inside,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="benchmarks.zones",
        description=benchmarks.zones.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="all of them without one")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        import django

        django.setup()
        print(json.dumps(INSIDE[arguments.inside]()))
        return 0
    wanted = arguments.part or list(PARTS)
    if wanted == ["seeds"]:
        return 0 if seeds.run() else 1
    with tempfile.TemporaryDirectory(prefix="zones-") as folder:
        print(f"installing {' '.join(PEER)}", flush=True)
        peer = Peer(Path(folder))
        answers = [PARTS[name](peer) for name in wanted]
    return 1 if False in answers else 0


if __name__ == "__main__":
    sys.exit(main())
