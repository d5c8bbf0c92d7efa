"""Celery's integration with Django, without its habit of closing every database connection before and after a task.

In a prefork pool Celery closes the whole connection pool as well, so that each task opens two connections: 13 ms of CPU
time for a task that does nothing. Here connections live as long as those of requests (CONN_MAX_AGE, or the pool). What a
forked process inherits is closed as before.
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.fixups.django import DjangoFixup, DjangoWorkerFixup  # type: ignore[attr-defined]  # celery-types lacks it
from django.db import close_old_connections


class WorkerFixup(DjangoWorkerFixup):  # type: ignore[misc]
    """Celery's, with connections that outlive a task."""

    def close_database(self, **_: Any) -> None:
        """Close what is dead or too old, and give the others back to their pool."""
        close_old_connections()


class Fixup(DjangoFixup):
    """Celery's, with that of the worker replaced."""

    _worker_fixup: WorkerFixup | None

    @property
    def worker_fixup(self) -> WorkerFixup:
        if self._worker_fixup is None:
            self._worker_fixup = WorkerFixup(self.app)
        return self._worker_fixup


def fixup(app: Celery) -> Fixup:
    """Called by Celery for an application that names it."""
    installed = Fixup(app)
    installed.install()
    return installed
