"""Declarations of events and handlers, and publishing."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import ClassVar

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from apps.common import events
from apps.common.models import OutboxEvent
from apps.common.tests.outbox_events import (
    Happened,
    Ordered,
    Unheard,
    task,
)


@pytest.mark.django_db
def test_every_task_matches_its_event():
    values = {
        uuid.UUID: uuid.UUID(int=1),
        str: "x",
        int: 1,
        float: 1.0,
        bool: True,
        dt.datetime: timezone.now(),
    }
    for name in events.registered():
        event_type = events._types[name]
        event = event_type(**{field: values[kind] for field, kind in events._fields(event_type).items()})
        for handler in events.handlers_of(name).values():
            if isinstance(handler, events.TaskHandler):
                handler.arguments(event, event_id=uuid.UUID(int=2))


class TestEvents:
    def test_a_task_that_does_not_match_the_event_is_refused(self):
        event = Ordered(thing_id=uuid.uuid4())
        misfit = events.TaskHandler(task=task, constants={"colour": "red"})
        with pytest.raises(TypeError, match=r"missing \[\], unknown \['colour'\]"):
            misfit.arguments(event, event_id=uuid.uuid4())
        with pytest.raises(TypeError, match=r"missing \['thing_id'\], unknown \[\]"):
            events.TaskHandler(task=task).arguments(Unheard(), event_id=uuid.uuid4())

    def test_event_names_are_required_and_unique(self):
        with pytest.raises(TypeError, match=r"Two events are named 'test\.happened'"):
            type("Other", (events.Event,), {"name": "test.happened"})
        with pytest.raises(TypeError, match="has no name"):
            type("Nameless", (events.Event,), {})

    def test_handler_names_are_unique(self):
        @dataclass(frozen=True, slots=True, kw_only=True)
        class Doubled(events.Event):
            name: ClassVar[str] = "test.doubled"

        events.on(Doubled, task=task)
        assert list(events.handlers_of("test.doubled")) == [task.name]
        events.on(Doubled, task=task, how="twice")
        try:
            with pytest.raises(ValueError, match=r"handles 'test\.doubled' twice"):
                events.handlers_of("test.doubled")
        finally:
            del events._registered["test.doubled"]

    def test_values_are_checked_against_their_types(self):
        with pytest.raises(TypeError, match=r"test\.happened\.thing_id is a str"):
            events.encode(Happened(thing_id="x"))

    def test_fields_have_plain_types(self):
        @dataclass(frozen=True, slots=True, kw_only=True)
        class Rich(events.Event):
            name: ClassVar[str] = "test.rich"
            data: dict[str, str]

        with pytest.raises(TypeError, match="ids and plain values"):
            events.encode(Rich(data={}))

    def test_removed_fields_are_ignored(self):
        thing = uuid.uuid4()
        assert events.decode("test.happened", {"thing_id": str(thing), "gone": 1}) == Happened(thing_id=thing)

    @pytest.mark.django_db(transaction=True)
    def test_publishing_outside_of_a_transaction_is_refused(self):
        with pytest.raises(TransactionManagementError):
            events.publish(Unheard())

    @pytest.mark.django_db(transaction=True)
    def test_a_rollback_removes_the_event(self):
        def fail():
            with transaction.atomic():
                events.publish(Unheard())
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert OutboxEvent.objects.count() == 0
