"""A Celery application as in its documentation, with the broker and the acknowledgement of the project."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("plain", broker=os.environ.get("REDIS_URL", "redis://127.0.0.1"))
app.conf.update(task_acks_late=True, task_ignore_result=True, task_default_queue="plain")


@app.task(name="benchmarks.plain.work")
def work(*, thing_id: str) -> None:
    """Does nothing."""
