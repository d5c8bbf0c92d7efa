"""Judges the migrations that the last release lacks, from the code alone (`make check`, part `risks`)."""

from __future__ import annotations

import inspect
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.db import migrations
from django.db.migrations.loader import MigrationLoader

from apps.common.database import migration_risks
from apps.common.database.migration_risks import Finding
from infrastructure.environment import ROOT


def last_release(root: Path = ROOT) -> str | None:
    """The newest tag that this branch has; without one, where the branch left main. None without a commit."""
    for command in (
        ["describe", "--tags", "--abbrev=0"],
        ["merge-base", "HEAD", "main"],
        ["merge-base", "HEAD", "origin/main"],
        ["rev-parse", "HEAD"],
    ):
        if found := _git(root, *command).strip():
            return found
    return None


def findings(release: str, root: Path = ROOT) -> Iterator[tuple[migrations.Migration, list[Finding]]]:
    """Each migration that `release`, a commit or tag, lacks, with its findings."""
    released = {root / name for name in _git(root, "ls-tree", "-r", "--name-only", release).splitlines()}
    graph = MigrationLoader(None).graph
    nodes = list(dict.fromkeys(node for leaf in graph.leaf_nodes() for node in graph.forwards_plan(leaf)))
    new = [node for node in nodes if _is_new(graph.nodes[node], root, released)]
    state = graph.make_state(nodes=[node for node in nodes if node not in new])
    yield from migration_risks.findings(
        [(graph.nodes[node], False) for node in new], state, is_connected=False
    )


def _is_new(migration: migrations.Migration, root: Path, released: set[Path]) -> bool:
    """Whether the migration is of this project, and not in the release."""
    path = Path(inspect.getfile(type(migration)))
    return path.is_relative_to(root / "apps") and path not in released


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout
