"""Code, texts and documentation use the standard terms of the field."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Retired words, and the standard term of each.
TERMS = {
    "crew": "process group",
    "doors?": "admission, public API, guard",
    "gathered_writes": "write coalescing",
    "guests?": "caller, participant",
    "joined_writes": "websocket protocol",
    "knocks?": "handshake request",
    "lies": "is, is stored",
    "pebbles?": "evasive views",
    "persons?": "caller, actor, user, member, participant",
    "refusals": "errors, problem documents",
    "rivers": "shared names",
    "seats?": "membership, quota",
    "somebody": "caller, actor, user, member, participant",
    "stands": "is, runs, is healthy",
    "switchboard": "hub",
    "visitors?": "caller, user",
    "whoever": "caller, actor, user, member, participant",
}
# Names that are stored or that operators set; and the singular of a generated model.
KEPT = re.compile(r'chat\.person_invited|WEBSOCKET_JOINED_WRITES|model="Person"|\.one == "person"')
UNREAD = (
    "CHANGELOG.md",
    "LICENSE",
    "config/tests/test_words.py",
    "docs/api/*",
    "template/licences/*",
    "*/migrations/*",
    "*package-lock.json",
    "requirements/*.txt",
)


def test_no_retired_word_is_used() -> None:
    # Underscores separate words.
    retired = re.compile(rf"(?<![A-Za-z])({'|'.join(TERMS)})(?![A-Za-z])", re.IGNORECASE)
    listed = subprocess.run(
        ["git", "ls-files", "--", ".", *(f":!{path}" for path in UNREAD)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = []
    for path in listed.stdout.splitlines():
        try:
            lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:  # a picture
            continue
        for number, line in enumerate(lines, start=1):
            found += [f"{path}:{number}: {word}" for word in retired.findall(KEPT.sub("", line))]
    assert found == []
