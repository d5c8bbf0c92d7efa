"""Worker and beat keep touching their file, and nothing is touched where no health check looks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from celery.signals import heartbeat_sent
from django.conf import LazySettings

from infrastructure.scheduling import heartbeat
from infrastructure.scheduling.beat_leader import LeaderScheduler


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "alive"


def _age(path: Path) -> None:
    os.utime(path, (0, 0))


def test_worker_touches_the_file_at_each_heartbeat(file: Path) -> None:
    heartbeat.install(str(file))
    try:
        assert not file.exists()
        heartbeat_sent.send(sender=None)
        assert file.stat().st_mode & 0o777 == 0o600
        _age(file)
        heartbeat_sent.send(sender=None)
        assert file.stat().st_mtime > 0
    finally:
        heartbeat_sent.disconnect(dispatch_uid="infrastructure.scheduling.heartbeat")


def test_without_a_path_nothing_is_installed() -> None:
    before = list(heartbeat_sent.receivers or [])
    heartbeat.install("")
    heartbeat.touch("")
    assert list(heartbeat_sent.receivers or []) == before


def test_beat_touches_the_file_at_each_round(
    file: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEARTBEAT_FILE = str(file)
    monkeypatch.setattr(LeaderScheduler, "_round", lambda self, *rounds: 2.5 + len(rounds))
    scheduler = object.__new__(LeaderScheduler)
    assert scheduler.tick() == 2.5
    assert file.exists()
    _age(file)
    assert scheduler.tick("passed on") == 3.5
    assert file.stat().st_mtime > 0


def test_beat_that_fails_shows_no_sign_of_life(
    file: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: LeaderScheduler) -> float:
        raise RuntimeError("stuck")

    settings.HEARTBEAT_FILE = str(file)
    monkeypatch.setattr(LeaderScheduler, "_round", fail)
    with pytest.raises(RuntimeError, match="stuck"):
        object.__new__(LeaderScheduler).tick()
    assert not file.exists()
