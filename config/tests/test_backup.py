"""The file of a backup: encrypted, whole or refused. What it restores is proved by `make compose-test`."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from deploy import archive, static_files
from deploy.docker import Compose, Failure, lock

KEY = "k" * 64
DATA = os.urandom(archive.PIECE + 3)


class Here(Compose):
    """Runs what a container would run, in this environment's Python."""

    def __init__(self, **variables: str) -> None:
        self.given = variables

    def value(self, name: str) -> str:
        return self.given.get(name, "")

    def popen(self, *words: str, variables: dict[str, str] | None = None, **more: Any) -> Any:
        command = [sys.executable, *words[words.index("-I") :]]
        return subprocess.Popen(command, env={**os.environ, **(variables or {})}, **more)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "site.backup"
    with archive.create(Here(BACKUP_KEY=KEY), path) as writer:
        writer.add("database", io.BytesIO(DATA))
        writer.add("uploads", io.BytesIO(b""))
        writer.finish({"rows": {"users": 3}})
    return path


def test_a_backup_is_restored_unchanged(path: Path) -> None:
    manifest = archive.read_manifest(Here(BACKUP_KEY=KEY), path, None)
    digest = hashlib.sha256(DATA).hexdigest()
    assert manifest["rows"] == {"users": 3}
    assert manifest["streams"]["database"] == {"bytes": len(DATA), "sha256": digest}
    assert manifest["streams"]["uploads"]["bytes"] == 0


def test_it_is_readable_by_its_owner_with_the_key_only(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"manifest.json" not in path.read_bytes()
    with pytest.raises(Failure, match="does not open: BACKUP_KEY is another one"):
        archive.read_manifest(Here(BACKUP_KEY="x" * 64), path, None)


@pytest.mark.parametrize("change", ["cut", "flip", "swap"])
def test_a_changed_file_is_refused(path: Path, change: str) -> None:
    content = bytearray(path.read_bytes())
    piece = (1 << 20) + 16
    head = 16 + 16
    if change == "cut":
        del content[head + piece :]
    elif change == "flip":
        content[-20] ^= 1
    else:
        content[head : head + piece], content[head + piece : head + 2 * piece] = (
            content[head + piece : head + 2 * piece],
            content[head : head + piece],
        )
    path.write_bytes(bytes(content))
    with pytest.raises(Failure, match="changed or cut off"):
        archive.read_manifest(Here(BACKUP_KEY=KEY), path, None)


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> None:
        with archive.create(Here(BACKUP_KEY=KEY), tmp_path / "site.backup") as writer:
            writer.add("database", io.BytesIO(DATA))
            raise RuntimeError("no disk")

    with pytest.raises(RuntimeError, match="no disk"):
        broken()
    assert list(tmp_path.iterdir()) == []


def test_without_a_key_nothing_is_written(tmp_path: Path) -> None:
    with (
        pytest.raises(Failure, match="BACKUP_KEY is missing"),
        archive.create(Here(), tmp_path / "site.backup"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_age_needs_its_key(tmp_path: Path) -> None:
    path = tmp_path / "site.backup"
    path.write_bytes(b"age-encryption.org/v1\n")
    with pytest.raises(Failure, match="name its key with --identity FILE"):
        archive.read_manifest(Here(BACKUP_KEY=KEY), path, None)


def test_two_commands_exclude_each_other() -> None:
    name = f"test-{os.getpid()}"
    with lock(name):
        with (
            pytest.raises(Failure, match=f"Another command works on {name}: process {os.getpid()}"),
            lock(name),
        ):
            pass
    with lock(name):
        pass


def test_static_files_of_earlier_releases_stay_for_a_month(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for folder, name in ((source, "css/new.css"), (target, "css/last.css"), (target, "css/old.css")):
        (folder / "css").mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    old = time.time() - static_files.KEPT_SECONDS - 60
    os.utime(target / "css" / "old.css", (old, old))
    assert static_files.publish(source, target) == (1, 1)
    assert sorted(path.name for path in target.rglob("*.css")) == ["last.css", "new.css"]
