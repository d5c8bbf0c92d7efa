"""Adds a slice: `make slice NAME=orders FIELDS="customer:str total:decimal due:date? owner:user status:choice(open,paid)"`.

Types: {kinds}. A field with `?` may be empty. A field of the type `user` is the owner, who is set to the caller. ZONES names zones
(`ZONES="private admin"`), MODEL the model of an irregular plural.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scripts.new_slice import project, spec, tree
from scripts.new_slice.kinds import KINDS
from scripts.new_slice.names import Refused
from scripts.new_slice.texts import domain, faces, rest, tests

ROOT: Final = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Judge, write, regenerate. 2 when it is refused."""
    parser = argparse.ArgumentParser(
        prog="make slice", description=(__doc__ or "").format(kinds=", ".join(KINDS))
    )
    parser.add_argument("name")
    parser.add_argument("fields")
    parser.add_argument("--zones", default="private")
    parser.add_argument("--model", default="")
    parser.add_argument("--with", dest="parts", default="")
    options = parser.parse_args(arguments)
    begun = time.monotonic()
    try:
        wanted = spec.judge(
            label=options.name,
            text=options.fields,
            model=options.model,
            zones=options.zones.replace(",", " ").split(),
            project=project.read(ROOT),
            parts=options.parts.strip(),
        )
        files = write(wanted)
        tree.add(ROOT, label=wanted.names.label, files=files, zones=tuple(wanted.zones))
    except Refused as error:
        sys.stderr.write(f"make slice: {error}\n")
        return 2
    label = wanted.names.label
    lines = sum(text.count("\n") for text in files.values())
    print(
        f"apps/{label}: {len(files) + 1} files, about {lines} lines, in {time.monotonic() - begun:.0f} s; its line is in config/zones.py"
    )
    print(
        f'Next: make check && make test ARGS="-q apps/{label}"; docs/guides/new-slice.md explains the files'
    )
    return 0


def write(wanted: spec.Spec) -> dict[str, str]:
    """The files of a slice, by path below its folder, before they are formatted."""
    return domain.files(wanted) | rest.files(wanted) | faces.files(wanted) | tests.files(wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
