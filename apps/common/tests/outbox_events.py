"""Events with functions and tasks that record their calls, for tests of the outbox. `conftest.py` imports the fixtures."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import celery
import pytest
from django.db import transaction
from django.utils import timezone

from apps.common import events
from apps.common.models import DeadTask, OutboxEvent
from apps.common.tasks import celery_task
from config.celery import app
from infrastructure.telemetry import context


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened(events.Event):
    name: ClassVar[str] = "test.happened"
    thing_id: uuid.UUID
    text: str = ""
    number: int | None = None
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard(events.Event):
    name: ClassVar[str] = "test.unheard"


calls: list[tuple[str, Happened, str]] = []
trouble: dict[str, Exception] = {}
lock = threading.Lock()


@events.on(Happened)
def first(event: Happened) -> None:
    with lock:
        calls.append(("first", event, context.request_id()))
    DeadTask.objects.create(task_id=event.text, name="first", error="")
    if "first" in trouble:
        raise trouble["first"]


@events.on(Happened)
def second(event: Happened) -> None:
    with lock:
        calls.append(("second", event, context.request_id()))
    if "second" in trouble:
        raise trouble["second"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered(events.Event):
    name: ClassVar[str] = "test.ordered"
    thing_id: uuid.UUID
    other_id: uuid.UUID | None = None


def work(*, thing_id: uuid.UUID, event_id: uuid.UUID, other: uuid.UUID | None = None, how: str = "") -> None:
    done.append((thing_id, event_id, other, how))
    if how in trouble:
        raise trouble[how]


def pack(*, thing_id: uuid.UUID) -> None:
    done.append((thing_id, None, None, "packed"))


done: list[tuple[uuid.UUID, uuid.UUID | None, uuid.UUID | None, str]] = []
task = celery_task.calling(work, module=__name__)
events.on(Ordered, task=task, name="test.handlers.old_name", fields={"other": "other_id"}, how="slow")
events.on(Ordered, task=celery_task.calling(pack, module=__name__))
TASKS = ["test.handlers.old_name", f"{__name__}.pack"]


@pytest.fixture(autouse=True)
def _clean():
    calls.clear()
    trouble.clear()
    done.clear()


@pytest.fixture
def broker(monkeypatch):
    """Collects published tasks instead of a broker."""
    held = []
    publish = celery.Task.apply_async
    app.conf.task_always_eager = True

    def hold(self, args=None, kwargs=None, task_id=None, **options):
        held.append((self, kwargs, task_id, options))

    def deliver():
        messages, held[:] = list(held), []
        for one, kwargs, task_id, options in messages:
            publish(one, (), kwargs, task_id=task_id, **options)

    monkeypatch.setattr(celery.Task, "apply_async", hold)
    held_by = SimpleNamespace(held=held, deliver=deliver, ids=lambda: [task_id for _, _, task_id, _ in held])
    yield held_by
    app.conf.task_always_eager = False


def order(**values):
    with transaction.atomic():
        events.publish(Ordered(thing_id=uuid.uuid4(), **values))
    return OutboxEvent.objects.filter(name="test.ordered").latest("created_at")


def pass_time(row, **span):
    """Move the times of the event into the past."""
    row.refresh_from_db()
    row.due_at -= dt.timedelta(**span)
    row.asked_at = row.asked_at and row.asked_at - dt.timedelta(**span)
    row.save(update_fields=["due_at", "asked_at"])


def happen(text="", **values):
    with transaction.atomic():
        events.publish(Happened(thing_id=uuid.uuid4(), text=text, **values))
    return OutboxEvent.objects.latest("created_at")


def make_due():
    OutboxEvent.objects.update(due_at=timezone.now())


def names():
    return [name for name, _, _ in calls]
