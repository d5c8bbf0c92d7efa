"""GitHub Actions and GitLab CI run the gates of `.ci/run` and the same suites."""

from __future__ import annotations

import re
from typing import Any

import yaml

from infrastructure.environment import ROOT


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_both_run_the_same_gates_and_suites_as_here() -> None:
    github = read(".github/workflows/ci.yml")["jobs"]["test"]
    gitlab = read(".gitlab-ci.yml")["test"]
    assert [step["run"] for step in github["steps"] if "run" in step] == gitlab["script"]
    assert gitlab["script"] == ["bash .ci/gates", 'make "$SUITE"']
    rows = [(row["python"], row["suite"]) for row in github["strategy"]["matrix"]["include"]]
    assert rows == [(row["PYTHON_VERSION"], row["SUITE"]) for row in gitlab["parallel"]["matrix"]]
    assert rows == [("3.11", "test-all"), ("3.13", "test")]
    assert "\nbash .ci/gates\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_actions_are_pinned_and_may_read_the_code_only() -> None:
    workflow = read(".github/workflows/ci.yml")
    job = workflow["jobs"]["test"]
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)] == []
    assert (workflow["permissions"], job["permissions"]) == ({}, {"contents": "read"})


def test_hooks_run_programs_of_the_environment() -> None:
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    entries = [hook["entry"].split()[0] for hook in repository["hooks"]]
    assert {*entries} == {".venv/bin/ruff", ".venv/bin/python"}
