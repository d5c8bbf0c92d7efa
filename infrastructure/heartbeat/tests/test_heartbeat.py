"""Worker and beat keep touching their file, and nothing is touched where no health check looks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from celery.signals import heartbeat_sent
from django.conf import LazySettings

from config.celery import app
from infrastructure import heartbeat
from infrastructure.beat import Leadership
from infrastructure.heartbeat.scheduler import WatchedScheduler


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "alive"


class _Fixed(Leadership):
    """Leads, or does not, without asking the database."""

    def __init__(self, leads: bool) -> None:
        super().__init__()
        self._leads = leads

    def hold(self) -> bool:
        return self._leads


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
        heartbeat_sent.disconnect(dispatch_uid="infrastructure.heartbeat")


def test_without_a_path_nothing_is_installed() -> None:
    before = list(heartbeat_sent.receivers or [])
    heartbeat.install("")
    heartbeat.touch("")
    assert list(heartbeat_sent.receivers or []) == before


@pytest.mark.parametrize("leads", [True, False])
@pytest.mark.django_db(transaction=True)
def test_beat_touches_the_file_at_each_round(file: Path, settings: LazySettings, leads: bool) -> None:
    settings.HEARTBEAT_FILE = str(file)
    scheduler = WatchedScheduler(app=app, lazy=True, leadership=_Fixed(leads))
    delay = scheduler.tick()
    assert delay >= 0
    assert file.exists()
    _age(file)
    scheduler.tick()
    assert file.stat().st_mtime > 0
