"""Tasks of one process share its database connections."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections

from config.celery import app
from config.settings.components.database import connection as settings_of
from infrastructure.scheduling.worker_connections import Fixup, WorkerFixup


@pytest.fixture(params=[True, False], ids=["pooled", "persistent"])
def database(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """The test's database under another alias, with the connections of the product."""
    ours = connections["default"].settings_dict
    names = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
    entry = settings_of(pooled=request.param) | {name: ours[name] for name in names}
    configured = connections.configure_settings({"default": {}, "worker": entry})
    connections.settings["worker"] = configured["worker"]
    with django_db_blocker.unblock():
        wrapper: Any = connections["worker"]
        yield wrapper
        wrapper.close()
        if wrapper.pool:
            wrapper.close_pool()
    del connections["worker"], connections.settings["worker"]


def server_process(database: Any) -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_connections_outlive_a_task(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (fixup,) = app._fixups  # type: ignore[attr-defined]
    assert isinstance(fixup, Fixup)
    worker = fixup.worker_fixup
    assert isinstance(worker, WorkerFixup)
    monkeypatch.setattr(worker, "worker", SimpleNamespace(pool_cls="prefork"))
    task = SimpleNamespace(request=SimpleNamespace(is_eager=False))
    found = set()
    for _ in range(10):
        worker.on_task_prerun(sender=task)
        found.add(server_process(database))
        worker.on_task_postrun(sender=task)
    # A pool that starts under demand may open a second one.
    assert len(found) <= (2 if database.pool else 1)
    assert database.connection is None if database.pool else database.connection is not None
