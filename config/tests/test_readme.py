"""The README against the code: its configuration table, its links, and that each of its commands is run somewhere."""

from __future__ import annotations

import re

import pytest

from config import env
from config.env import BASE_DIR

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")


def test_configuration_table_is_the_one_of_the_code() -> None:
    shown = README.partition("<!-- configuration -->\n")[2].partition("\n<!-- /configuration -->")[0]
    assert shown == env.markdown(), "python -m config.env prints the table as it should be"


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", README)
    assert targets
    assert [target for target in targets if not (BASE_DIR / target).exists()] == []


def _commands(language: str) -> list[str]:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


def test_sessions_are_run_by_ci() -> None:
    assert "```console" in README
    assert "scripts/readme.py README.md" in (BASE_DIR / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", _commands("sh"))
def test_other_commands_are_run_by_ci_or_a_script(command: str) -> None:
    runners = [BASE_DIR / ".ci" / "run", BASE_DIR / "Makefile", *(BASE_DIR / "deploy").rglob("*.py")]
    texts = "\n".join(path.read_text(encoding="utf-8") for path in runners)
    plain = command.split("#")[0].strip()
    for part in (part.strip() for part in plain.split("&&")):
        words = part.split()
        if words[0] in ("git", "cd"):
            continue  # the clone itself: CI runs in one
        needle = f"{words[1]}:" if words[0] == "make" else part
        assert needle in texts, part
