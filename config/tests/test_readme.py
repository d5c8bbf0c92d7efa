"""The README against the code: its links, and runs of each of its commands."""

from __future__ import annotations

import re

import pytest

from config.env import BASE_DIR
from config.tests.test_architecture import is_here

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", README)
    assert targets
    assert [target for target in targets if not (BASE_DIR / target).exists() and is_here(target)] == []


def _commands(language: str) -> list[str]:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


def test_sessions_are_run_by_ci() -> None:
    assert "```console" in README
    assert "scripts/readme.py README.md" in (BASE_DIR / ".ci" / "run").read_text(encoding="utf-8")


def _is_run(command: str) -> bool:
    """Whether CI, or the walk through the production shape, runs it: by its text or by the Makefile's target."""
    ci = "".join((BASE_DIR / name).read_text(encoding="utf-8") for name in (".ci/run", ".ci/gates"))
    if command.startswith("docker compose up"):
        walk = (BASE_DIR / "deploy" / "journey" / "stack.py").read_text(encoding="utf-8")
        return 'self.compose("up", "--detach", "--wait"' in walk
    if command.startswith("make init "):
        return '"make", "init"' in (BASE_DIR / "template" / "update_test.py").read_text(encoding="utf-8")
    if command in ("make env", "make compose-test"):
        # They need Docker: the walk begins with the one and is the other.
        return f"\n{command.removeprefix('make ')}:" in (BASE_DIR / "Makefile").read_text(encoding="utf-8")
    if command in ("make deploy", "make backup"):
        walk = (BASE_DIR / "deploy" / "journey" / "releases.py").read_text(encoding="utf-8")
        return f'stack.make("{command.removeprefix("make ")}"' in walk
    return f"{command}\n" in ci or f"{command} " in ci


@pytest.mark.parametrize("command", _commands("sh"))
def test_other_commands_are_run_by_ci_or_by_the_walk(command: str) -> None:
    plain = command.partition("#")[0].strip()
    parts = [part.strip() for part in plain.split("&&")]
    # CI runs in a clone already.
    assert [part for part in parts if not part.startswith(("git clone ", "cd ")) and not _is_run(part)] == []


def test_paths_of_the_blueprint_exist() -> None:
    page = (BASE_DIR / "docs" / "blueprint.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:apps|config|infrastructure|requirements|docs|scripts)/[\w./-]+)`", page)
    assert len(paths) > 60
    assert [path for path in paths if not (BASE_DIR / path).exists() and is_here(path)] == []
