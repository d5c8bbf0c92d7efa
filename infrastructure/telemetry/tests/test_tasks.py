"""The request id on its way from the publisher to the task."""

from __future__ import annotations

import pytest
import structlog
from celery import Celery

from infrastructure.product import PRODUCT
from infrastructure.telemetry import context, metrics, tasks

# A listener writes failed tasks to the database.
pytestmark = pytest.mark.django_db

app = Celery("test-telemetry", broker="memory://", set_as_current=False)
seen: list[dict[str, object]] = []


@app.task(bind=True, name="test.note", max_retries=1)
def note(self, error="") -> None:
    seen.append(dict(structlog.contextvars.get_contextvars()))
    if error == "retry":
        raise self.retry(countdown=0, exc=ValueError("again"))
    if error:
        raise ValueError(error)


@pytest.fixture(autouse=True)
def _installed():
    tasks.install()
    seen.clear()
    context.clear()
    yield
    context.clear()


def test_the_publisher_sends_the_id_of_its_request():
    headers: dict = {}
    with context.bound(request_id="request-0001"):
        tasks._send_request_id(headers=headers)
    assert headers == {tasks.HEADER: "request-0001"}
    tasks._send_request_id(headers=headers)
    assert headers == {tasks.HEADER: "request-0001"}
    tasks._send_request_id(headers=None)
    fresh: dict = {}
    tasks._send_request_id(headers=fresh)
    assert len(fresh[tasks.HEADER]) == 32


def test_a_task_runs_under_that_id_and_leaves_one_line():
    with structlog.testing.capture_logs() as lines:
        result = note.apply(headers={tasks.HEADER: "request-0001"})
    assert seen[0]["request_id"] == "request-0001"
    assert (seen[0]["task_id"], seen[0]["task"]) == (result.id, "test.note")
    assert [(line["event"], line["outcome"]) for line in lines] == [("task.done", "success")]
    assert structlog.contextvars.get_contextvars() == {}
    assert (
        f'{PRODUCT.identifier}_task_seconds_count{{outcome="success",task="test.note"}} '
        in metrics.exposition().decode()
    )


def test_the_header_of_an_earlier_release_is_understood(monkeypatch):
    monkeypatch.setattr(tasks, "HEADERS", (tasks.HEADER, "acme_request_id"))
    note.apply(headers={"acme_request_id": "request-0001"})
    note.apply(headers={"acme_request_id": "request-0001", tasks.HEADER: "request-0002"})
    assert [one["request_id"] for one in seen] == ["request-0001", "request-0002"]


def test_without_an_id_it_gets_one():
    note.apply()
    assert len(seen[0]["request_id"]) == 32


def test_failures_are_one_line_more():
    with structlog.testing.capture_logs() as lines:
        note.apply(kwargs={"error": "broken"})
    assert [line["event"] for line in lines] == ["task.failed", "task.done"]
    assert lines[0]["error"] == "ValueError('broken')"
    assert "in note" in lines[0]["traceback"]


def test_retries_are_logged():
    with structlog.testing.capture_logs() as lines:
        note.apply(kwargs={"error": "retry"})
    assert [line["event"] for line in lines].count("task.retry") == 1
    assert next(line for line in lines if line["event"] == "task.retry")["attempt"] == 1


def test_celery_leaves_the_log_alone():
    assert tasks._keep_logging() is None
