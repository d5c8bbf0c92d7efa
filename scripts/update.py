"""`make update`: brings the changes of later releases of the template into the product, three-way, by copier.

    make update                  the newest release
    make update VERSION=1.4.0    that one

Commit first: what copier could not merge is left as conflicts, as git does. Answers stay as they were given.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts import removal, supply
from scripts.removal import ANSWERS

ROOT: Final = Path(__file__).resolve().parent.parent
_CONFLICT: Final = re.compile(r"^<<<<<<< before updating", re.MULTILINE)
_RELEASE: Final = re.compile(r"^## \[?v?(\d[^\]\s]*)\]?", re.MULTILINE)


class Refused(Exception):
    """The product cannot be updated as it is. Nothing was changed."""


def git(*arguments: str, folder: Path = ROOT) -> str:
    """The output of a git command. Raises Refused with what git said."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def answers() -> dict[str, Any]:
    """The answers that copier stored for this product. Raises Refused without any."""
    path = ROOT / ANSWERS
    if not path.exists():
        raise Refused(f"{ANSWERS} is missing: this is the template, or was not made by make init or copier")
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def conflicts() -> list[str]:
    """The tracked files that hold a conflict."""
    return [
        name
        for name in git("ls-files", "--modified", "--others", "--exclude-standard").splitlines()
        if (ROOT / name).is_file() and _CONFLICT.search((ROOT / name).read_text(errors="replace"))
    ]


def changes(source: str, old: str, new: str) -> str:
    """The template's changelog of the releases after `old`, up to `new`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "template"
        git("clone", "--quiet", source, str(folder))
        git("checkout", "--quiet", new, folder=folder)
        path = folder / "CHANGELOG.md"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    starts = [(found[1], found.start()) for found in _RELEASE.finditer(text)]
    begin = next((start for _, start in starts), len(text))
    end = next((start for version, start in starts if version == old.removeprefix("v")), len(text))
    return text[begin:end].strip()


def regenerate() -> None:
    """Bring the environment in step with the new locks, then write what follows from the code."""
    subprocess.run([sys.executable, "scripts/bootstrap.py"], cwd=ROOT, check=True)
    removal.Rest(ROOT).regenerate()


def main(arguments: Sequence[str]) -> int:
    """Update. 1 when conflicts are left, 2 when nothing could be done."""
    try:
        before = answers()
        if git("status", "--porcelain"):
            raise Refused("commit or stash your changes first")
        version = ["--vcs-ref", arguments[0]] if arguments else []
        done = subprocess.run(
            [supply.tools("update") / "copier", "update", "--defaults", "--quiet", *version],
            cwd=ROOT,
            check=False,
        )
        if done.returncode:
            raise Refused("copier failed, as it says above; git status shows what it did")
        after = answers()
        if after["_commit"] == before["_commit"]:
            print(f"{before['_commit']} is the newest release.")
            return 0
        print(changes(after["_src_path"], before["_commit"], after["_commit"]))
        if left := conflicts():
            print(f"\n{before['_commit']} → {after['_commit']}. Resolve the conflicts in:")
            print(*left, sep="\n")
            print("Then: make variables && make check && make test")
            return 1
        regenerate()
    except Refused as error:
        sys.stderr.write(f"make update: {error}\n")
        return 2
    print(f"\n{before['_commit']} → {after['_commit']}. Next: git diff, make check, make test")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
