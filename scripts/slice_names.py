"""Refuses names of slices where nothing may know a slice: the zone router, the client generator, config, infrastructure, deploy.

    python scripts/slice_names.py        a part of `make check`

Imports are judged by `.importlinter`; this reads text: paths, dotted names, quoted labels, variables such as CHAT_X, and
the word itself where it has no other meaning. Tests may name what they need.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Folders that serve every slice, and files of them that have to name some.
FRAME = ("config", "infrastructure", "apps/api", "apps/common", "apps/console", "deploy")
NAMES_SLICES = frozenset({"config/zones.py"})
ENDINGS = frozenset({".py", ".html", ".js", ".css", ".ts", ".mjs", ".jinja", ".toml", ".conf", ".template"})
# Generated from the zones' schemas, so it follows which slices are installed.
GENERATED = "apps/console/static/console/client/"
# Labels that mean nothing but the slice. Any other label may be an ordinary word in a comment or a name.
UNAMBIGUOUS = frozenset({"chat", "notifications"})


def slices() -> list[str]:
    """The labels of the slices that are there."""
    return sorted(
        path.parent.name
        for path in (ROOT / "apps").glob("*/apps.py")
        if f"apps/{path.parent.name}" not in FRAME or path.parent.name == "console"
    )


def pattern(label: str) -> re.Pattern[str]:
    """The texts that name a slice."""
    found = rf"apps[./]{label}\b|['\"]{label}\.[A-Za-z]\w*['\"]"
    if label in UNAMBIGUOUS:
        found += rf"|\b{label.upper()}_[A-Z]+|(?i:\b{label}\b)"
    return re.compile(found)


def files() -> Iterator[Path]:
    """The files that may name no slice."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *FRAME],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split("\n")
    for name in filter(None, listed):
        path = Path(name)
        if path.suffix not in ENDINGS or name in NAMES_SLICES or name.startswith(GENERATED):
            continue
        if not {"tests", "testing", "migrations"} & {*path.parts} and (ROOT / path).is_file():
            yield path


def main() -> int:
    """1 when a slice is named."""
    patterns = {label: pattern(label) for label in slices()}
    count = 0
    for path in files():
        owner = path.parts[1] if path.parts[0] == "apps" else ""
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1):
            for label, named in patterns.items():
                if label != owner and (found := named.search(line)):
                    print(f"{path}:{number} names the slice {label}: {found[0]}")
                    count += 1
    if count:
        print("What serves every slice knows none of them: let the slice bring it (apps/common/slices.py).")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
