"""A worker, and a queue with any kind of message."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from celery import shared_task
from celery.contrib.testing.worker import start_worker
from django.db import close_old_connections

from apps.common.events import outbox
from apps.common.models import DeadTask, OutboxEvent
from config.celery import app
from infrastructure.cache import redis
from infrastructure.telemetry import tasks

QUEUE = "hostile"
ran: list[str] = []


@shared_task(name="test.worker.note")
def note(*, text: str) -> None:
    ran.append(text)


@pytest.fixture
def put(transactional_db: None, settings: Any) -> Iterator[Callable[[bytes], Any]]:
    """Puts an item into the queue of a running worker."""
    ran.clear()
    client = redis.client()
    client.delete(QUEUE, "unacked", "unacked_index")
    assert app.conf.broker_url == settings.REDIS_URL
    with start_worker(app, pool="solo", queues=[QUEUE], perform_ping_check=False, shutdown_timeout=30):
        yield lambda item: client.lpush(QUEUE, item)
    assert client.llen(QUEUE) == 0
    assert client.hlen("unacked") == 0


def message(payload: Any = None, headers: Any = None, /, **changes: Any) -> dict[str, Any]:
    """A message as Celery publishes it, with some parts changed."""
    text = json.dumps([[], {"text": "x"}, {"callbacks": None}] if payload is None else payload)
    return {
        "body": base64.b64encode(text.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"id": str(uuid4()), "task": note.name, "lang": "py"} | (headers or {}),
        "properties": {
            "body_encoding": "base64",
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "delivery_mode": 2,
            "delivery_tag": str(uuid4()),
            "priority": 0,
        },
    } | changes


def without(key: str, of: str | None = None) -> dict[str, Any]:
    made = message()
    del (made[of] if of else made)[key]
    return made


def properties(**changes: Any) -> dict[str, Any]:
    return message(properties=message()["properties"] | changes)


RAW: dict[str, bytes] = {
    "no JSON": b"garbage",
    "nothing": b"",
    "no UTF-8": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "number": b"1" * 5_000,
    "NUL": b'{"a": "\x00\\u0000"}',
    "list": b"[]",
    "null": b"null",
    "empty object": b"{}",
    "unknown kombu type": b'{"__type__": "x", "__value__": 1}',
}
SHAPES: dict[str, Any] = {
    "no properties": without("properties"),
    "properties are a list": message(properties=[]),
    "no delivery tag": without("delivery_tag", "properties"),
    "delivery tag is a number": properties(delivery_tag=1),
    "delivery tag is half a character": properties(delivery_tag="\ud800"),
    "no delivery info": without("delivery_info", "properties"),
    "delivery info is a text": properties(delivery_info="x"),
    "no routing key": properties(delivery_info={"exchange": ""}),
    "unknown body encoding": properties(body_encoding="rot13"),
    "body encoding is a list": properties(body_encoding=["base64"]),
    "body is no base64": message(body="x"),
    "body is a number": message(body=5),
    "headers are a list": message(headers=["task"]),
    "headers are a text": message(headers="task"),
    "no headers": without("headers"),
    "no task header": without("task", "headers"),
    "task is a list": message(None, {"task": [note.name]}),
    "task is null": message(None, {"task": None}),
    "no id": without("id", "headers"),
    "id is a list": message(None, {"id": []}),
    "wrong content type": message(**{"content-type": "text/plain"}),
    "pickle": message(**{"content-type": "application/x-python-serialize"}),
    "unknown content type": message(**{"content-type": "application/x-unknown"}),
    "unknown compression": message(None, {"compression": "x-unknown"}),
    "body is no JSON": message(body=base64.b64encode(b"{").decode()),
    "body is an object": message({}),
    "body has two parts": message([[], {}]),
    "keyword arguments are a list": message([[], [], None]),
    "eta is no time": message(None, {"eta": "tomorrow"}),
    "expires is a list": message(None, {"expires": []}),
    "time limit is a text": message(None, {"timelimit": "soon"}),
    "time limits are texts": message(None, {"timelimit": ["soon", "later"]}),
    "another format": {"task": note.name, "id": "1"},
    "wrong argument": message([[], {"texts": "x"}, None]),
    "positional argument": message([["x"], {}, None]),
    "missing argument": message([[], {}, None]),
    "retries is a text": message([[], {}, None], {"retries": "many"}),
    "NUL in an argument": message([[], {"text": "x", "more": "\x00"}, None]),
    "half a character in an argument": message([[], {"more": "\ud800"}, None]),
}


def has_run(name: str) -> bool:
    return ran[-1:] == [name]


def are_kept(count: int) -> bool:
    return DeadTask.objects.count() == count


def eventually(found: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not found() and time.monotonic() < until:
        time.sleep(0.02)
    close_old_connections()
    return found()


def proper(text: str) -> bytes:
    return json.dumps(message([[], {"text": text}, None])).encode()


@pytest.mark.parametrize(
    "items",
    [RAW, {name: json.dumps(shape).encode() for name, shape in SHAPES.items()}],
    ids=["raw", "shapes"],
)
def test_a_malformed_message_ends_no_worker_and_is_kept(
    items: dict[str, bytes], put: Callable[[bytes], Any]
) -> None:
    for number, (name, item) in enumerate(items.items(), 1):
        put(item)
        put(proper(name))
        assert eventually(partial(has_run, name)), f"the worker is gone after: {name}"
        assert eventually(partial(are_kept, number)), f"no record of: {name}"
    assert not DeadTask.objects.filter(error="").exists()
    # What the queue held is shown: the task and its arguments, or the message, which may be empty.
    assert DeadTask.objects.filter(name="", message="").count() == (b"" in items.values())


def test_the_request_id_of_an_earlier_release_is_kept(
    put: Callable[[bytes], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "HEADERS", (tasks.HEADER, "acme_request_id"))
    put(json.dumps(message(None, {"task": "test.worker.later", "acme_request_id": "request-0001"})).encode())
    assert eventually(partial(are_kept, 1))
    assert DeadTask.objects.get().request_id == "request-0001"


def test_a_task_that_the_worker_does_not_know_is_kept_and_can_be_replayed(
    put: Callable[[bytes], Any],
) -> None:
    event = OutboxEvent.objects.create(name="test.worker.event", awaited=["a.handler"])
    headers = {
        "task": "test.worker.later",
        "id": f"{event.pk}:a.handler",
        "request_id": "request-0001",
    }
    put(json.dumps(message([[1], {"text": "x"}, None], headers)).encode())
    assert eventually(partial(are_kept, 1))
    row = DeadTask.objects.get()
    assert (row.name, row.args, row.kwargs, row.request_id) == (
        "test.worker.later",
        [1],
        {"text": "x"},
        "request-0001",
    )
    assert row.error == "LookupError: No task is named 'test.worker.later'."
    assert outbox.is_confirmed(f"{event.pk}:a.handler")
    event.refresh_from_db()
    assert event.done_at is not None
