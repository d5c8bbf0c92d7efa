"""Events are handled once, later after failures, and never lost."""

from __future__ import annotations

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from types import SimpleNamespace
from unittest.mock import ANY

import celery
import pytest
import redis
from celery.exceptions import Reject
from django.db import connection, transaction
from django.utils import timezone
from kombu import Producer
from kombu.exceptions import EncodeError
from kombu.exceptions import OperationalError as BrokerError

from apps.common import events
from apps.common.events import outbox
from apps.common.models import DeadTask, OutboxEvent
from apps.common.tasks import celery_task
from apps.common.tests.outbox_events import (
    TASKS,
    Unheard,
    calls,
    done,
    happen,
    make_due,
    names,
    order,
    pass_time,
    second,
    task,
    trouble,
)
from infrastructure.telemetry import context


@pytest.mark.django_db
class TestRelay:
    def test_an_event_reaches_all_handlers_once(self):
        at = timezone.now()
        with context.bound(request_id="request-0001"):
            row = happen("a", number=7, at=at)
        assert row.request_id == "request-0001"
        assert outbox.relay_due() == outbox.Round(taken=1, retry_in=None, outage=False)
        assert [(name, request) for name, _, request in calls] == [
            ("first", "request-0001"),
            ("second", "request-0001"),
        ]
        event = calls[0][1]
        assert (event.text, event.number, event.at) == ("a", 7, at)
        row.refresh_from_db()
        assert row.done_at is not None
        assert outbox.relay_due().taken == 0

    def test_an_event_without_handlers_is_done(self):
        with transaction.atomic():
            events.publish(Unheard())
        assert outbox.relay_due().taken == 1
        assert OutboxEvent.objects.pending().count() == 0

    def test_only_a_failed_handler_runs_again_after_a_rollback(self):
        row = happen("a")
        trouble["first"] = ValueError("no")
        result = outbox.relay_due()
        assert (result.taken, result.outage) == (1, False)
        assert 0.75 <= result.retry_in <= 1.0
        assert names() == ["first", "second"]
        assert DeadTask.objects.count() == 0
        row.refresh_from_db()
        assert (row.attempts, row.done_at, row.last_error) == (1, None, "ValueError: no")
        assert row.handled == [f"{second.__module__}.second"]
        assert outbox.relay_due().taken == 0
        trouble.clear()
        make_due()
        outbox.relay_due()
        assert names() == ["first", "second", "first"]
        assert DeadTask.objects.count() == 1
        row.refresh_from_db()
        assert row.done_at is not None

    def test_an_event_is_dead_after_ten_attempts_and_can_be_replayed(self):
        row = happen()
        trouble["second"] = ValueError("no")
        for _ in range(12):
            make_due()
            outbox.relay_due()
        row.refresh_from_db()
        assert row.attempts == 10
        assert row.dead_at is not None
        assert names().count("second") == 10
        assert DeadTask.objects.filter(name="first").count() == 1
        assert outbox.replay(event_ids=[uuid.uuid4()]) == 0
        assert outbox.replay() == 1
        trouble.clear()
        outbox.relay_due()
        row.refresh_from_db()
        assert (row.dead_at, row.attempts, row.last_error) == (None, 0, "")
        assert row.done_at is not None

    @pytest.mark.parametrize("away", [BrokerError("refused"), ConnectionError(), TimeoutError()])
    def test_an_outage_ends_the_round_and_never_kills_an_event(self, away):
        rows = [happen(str(number)) for number in range(3)]
        trouble["first"] = away
        result = outbox.relay_due()
        assert (result.taken, result.outage) == (1, True)
        assert names() == ["first"]
        OutboxEvent.objects.update(attempts=500)
        for _ in range(3):
            make_due()
            outbox.relay_due()
        assert OutboxEvent.objects.dead().count() == 0
        assert OutboxEvent.objects.filter(due_at__gt=timezone.now() + dt.timedelta(seconds=31)).count() == 0
        trouble.clear()
        make_due()
        assert outbox.relay_due().taken == 3
        assert sorted(event.text for name, event, _ in calls if name == "second") == ["0", "1", "2"]
        assert len(rows) == 3

    def test_a_failed_event_rolls_back_no_other_event_of_its_batch(self, monkeypatch):
        rows = [happen(str(number)) for number in range(4)]
        act = DeadTask.objects.create

        def fail_once(**values):
            if values["task_id"] == "2":
                raise ValueError("not this one")
            return act(**values)

        monkeypatch.setattr(DeadTask.objects, "create", fail_once)
        assert outbox.relay_due().taken == 4
        assert sorted(DeadTask.objects.values_list("task_id", flat=True)) == ["0", "1", "3"]
        for row in rows:
            row.refresh_from_db()
        assert [row.done_at is None for row in rows] == [False, False, True, False]
        assert [row.attempts for row in rows] == [0, 0, 1, 0]
        assert rows[2].last_error == "ValueError: not this one"

    def test_the_statements_of_a_batch_do_not_grow_with_it(self, broker, django_assert_num_queries):
        for _ in range(30):
            order()
        # A savepoint as the outermost transaction is the test's own.
        with django_assert_num_queries(4):
            assert outbox.relay_due(limit=30).taken == 30
        assert len(broker.held) == 60

    def test_an_unknown_event_is_kept(self):
        OutboxEvent.objects.create(name="test.forgotten")
        OutboxEvent.objects.create(name="test.happened", payload={"thing_id": "no uuid"})
        OutboxEvent.objects.create(name="test.happened", payload={"other": 1})
        assert outbox.relay_due().taken == 3
        errors = sorted(OutboxEvent.objects.values_list("last_error", flat=True))
        assert errors[2] == "ValueError: badly formed hexadecimal UUID string"
        assert errors[1] == "UnknownEvent: no event is named 'test.forgotten'"
        assert errors[0].startswith("TypeError: ")
        assert OutboxEvent.objects.pending().count() == 3

    def test_the_sweep_continues_until_no_event_is_due(self, monkeypatch):
        monkeypatch.setattr(outbox, "LIMIT", 2)
        rounds = iter([2, 2, 1])
        monkeypatch.setattr(
            outbox, "relay_due", lambda: outbox.Round(taken=next(rounds), retry_in=None, outage=False)
        )
        outbox.sweep()
        assert list(rounds) == []

    def test_a_round_has_a_limit(self):
        for _ in range(3):
            happen()
        assert outbox.relay_due(limit=2).taken == 2
        assert outbox.relay_due(limit=2).taken == 1

    def test_old_done_events_are_pruned(self):
        old, dead, fresh = happen(), happen(), happen()
        past = timezone.now() - dt.timedelta(days=4)
        OutboxEvent.objects.filter(pk=old.pk).update(done_at=past)
        OutboxEvent.objects.filter(pk=dead.pk).update(dead_at=past)
        OutboxEvent.objects.filter(pk=fresh.pk).update(done_at=timezone.now())
        assert outbox.prune() == 1
        assert set(OutboxEvent.objects.values_list("pk", flat=True)) == {dead.pk, fresh.pk}

    def test_publishing_needs_one_statement(self, django_assert_num_queries):
        with transaction.atomic(), django_assert_num_queries(1):
            events.publish(Unheard())

    def test_delays_grow_to_their_limit(self):
        for attempts, most in ((1, 1), (2, 2), (5, 16), (10, 300), (16, 300)):
            delays = [outbox.delay_after(attempts) for _ in range(50)]
            assert 0.75 * most <= min(delays) <= max(delays) <= most
            assert len(set(delays)) > 10


@pytest.mark.django_db
class TestWork:
    def test_an_event_is_done_when_its_tasks_are(self, broker):
        other = uuid.uuid4()
        row = order(other_id=other)
        assert outbox.relay_due().taken == 1
        row.refresh_from_db()
        assert (row.handled, row.awaited, row.asked, row.done_at) == ([], TASKS, 1, None)
        assert broker.ids() == [f"{row.pk}:{name}" for name in TASKS]
        assert broker.held[0][1] == {
            "thing_id": row.payload["thing_id"],
            "event_id": str(row.pk),
            "other": str(other),
            "how": "slow",
        }
        last = broker.held.pop()
        broker.deliver()
        row.refresh_from_db()
        assert (row.handled, row.awaited, row.done_at) == (TASKS[:1], TASKS[1:], None)
        broker.held.append(last)
        broker.deliver()
        row.refresh_from_db()
        assert (row.handled, row.awaited) == (TASKS, [])
        assert row.done_at is not None
        assert done == [
            (uuid.UUID(row.payload["thing_id"]), row.pk, other, "slow"),
            (uuid.UUID(row.payload["thing_id"]), None, None, "packed"),
        ]

    def test_tasks_lost_by_the_broker_are_published_again_in_time(self, broker):
        row = order()
        outbox.relay_due()
        broker.held.clear()
        pass_time(row, seconds=71)
        assert outbox.relay_due().taken == 0
        pass_time(row, seconds=2)
        assert outbox.relay_due().taken == 1
        assert len(broker.ids()) == 2
        for count, seconds in ((2, 144), (3, 288), (4, 576), (5, 900), (6, 900)):
            row.refresh_from_db()
            assert (row.asked, (row.due_at - row.asked_at).total_seconds()) == (count, seconds)
            pass_time(row, seconds=seconds + 1)
            outbox.relay_due()
        broker.deliver()
        row.refresh_from_db()
        assert row.done_at is not None
        assert sorted(how for _, _, _, how in done) == ["packed", "slow"]

    def test_only_unconfirmed_tasks_are_published_again(self, broker):
        row = order()
        outbox.relay_due()
        del broker.held[0]
        broker.deliver()
        pass_time(row, minutes=2)
        outbox.relay_due()
        assert broker.ids() == [f"{row.pk}:{TASKS[0]}"]

    def test_a_copy_of_a_confirmed_task_does_nothing(self, broker):
        order()
        outbox.relay_due()
        copies = list(broker.held) * 2
        broker.deliver()
        broker.held.extend(copies)
        broker.deliver()
        assert len(done) == 2

    def test_a_relay_killed_after_publishing_loses_nothing(self, broker):
        row = order()
        with suppress(KeyboardInterrupt), transaction.atomic():
            outbox.relay_due()
            raise KeyboardInterrupt
        first = list(broker.held)
        del broker.held[1:]
        broker.deliver()
        row.refresh_from_db()
        assert (row.handled, row.awaited, row.done_at) == (TASKS[:1], [], None)
        outbox.relay_due()
        assert broker.ids() == [first[1][2]]
        broker.deliver()
        row.refresh_from_db()
        assert row.done_at is not None

    def test_a_dead_task_completes_the_event(self, broker):
        row = order()
        trouble["slow"] = ValueError("no")
        outbox.relay_due()
        broker.deliver()
        row.refresh_from_db()
        assert row.done_at is not None
        dead = DeadTask.objects.get()
        assert (dead.task_id, dead.name) == (f"{row.pk}:{TASKS[0]}", task.name)
        trouble.clear()
        assert celery_task.replay() == 1
        outbox.relay_due()
        replayed = OutboxEvent.objects.get(name="common.task_replayed")
        assert (replayed.done_at, replayed.awaited) == (None, ["apps.common.celery_task.replay"])

    def test_a_task_is_not_published_again_before_its_retry(self, broker):
        row = order()
        outbox.relay_due()
        pass_time(row, seconds=70)
        outbox.postpone(f"{row.pk}:{TASKS[0]}", seconds=45)
        row.refresh_from_db()
        assert (row.due_at - timezone.now()).total_seconds() == pytest.approx(117, abs=5)

    def test_the_outbox_publishes_a_retry_that_the_broker_refused(self, broker):
        row = order()
        trouble["slow"] = Reject("the broker is away", requeue=False)
        outbox.relay_due()
        task_id = broker.ids()[0]
        celery_task.record_failure(sender=task, task_id=task_id, exception=trouble["slow"])
        row.refresh_from_db()
        assert (DeadTask.objects.count(), row.awaited) == (0, TASKS)

    def test_a_half_done_event_of_the_last_release_runs_the_rest(self, broker):
        row = order()
        OutboxEvent.objects.update(handled=TASKS[:1])
        outbox.relay_due()
        assert broker.ids() == [f"{row.pk}:{TASKS[1]}"]
        broker.deliver()
        row.refresh_from_db()
        assert row.done_at is not None

    def test_an_unavailable_broker_is_retried_soon(self, broker, monkeypatch):
        row = order()

        def away(*args, **options):
            raise BrokerError("refused")

        with monkeypatch.context() as patched:
            patched.setattr(celery.Task, "apply_async", away)
            assert outbox.relay_due().outage
        row.refresh_from_db()
        assert (row.attempts, row.asked_at, row.last_error) == (1, None, "OperationalError: refused")
        make_due()
        outbox.relay_due()
        assert len(broker.held) == 2

    def test_an_unavailable_broker_delays_one_event_of_a_batch(self, broker, monkeypatch):
        rows = [order() for _ in range(3)]

        def refuse(*_):
            raise redis.ConnectionError("gone at the last moment")

        with monkeypatch.context() as patched:
            patched.setattr(Producer, "batch", lambda _: closing(SimpleNamespace(close=refuse)))
            assert outbox.relay_due() == outbox.Round(taken=3, retry_in=ANY, outage=True)
        for row in rows:
            row.refresh_from_db()
        # What was not published was not asked for: a task that is lost later is published again as soon as ever.
        assert [(row.attempts, row.asked, row.asked_at) for row in rows] == [
            (1, 0, None),
            (0, 0, None),
            (0, 0, None),
        ]
        broker.held.clear()
        assert outbox.relay_due() == outbox.Round(taken=2, retry_in=None, outage=False)
        make_due()
        outbox.relay_due()
        assert sorted(broker.ids()) == sorted(f"{row.pk}:{name}" for row in rows for name in TASKS)

    def test_an_event_whose_task_cannot_be_published_fails_alone(self, broker, monkeypatch):
        rows = [order() for _ in range(3)]
        hold = celery.Task.apply_async

        def refuse(self, *args, **options):
            if options["task_id"].startswith(str(rows[1].pk)):
                raise EncodeError("no JSON")
            hold(self, *args, **options)

        monkeypatch.setattr(celery.Task, "apply_async", refuse)
        assert outbox.relay_due() == outbox.Round(taken=3, retry_in=ANY, outage=False)
        for row in rows:
            row.refresh_from_db()
        assert [row.asked_at is None for row in rows] == [False, True, False]
        assert [row.attempts for row in rows] == [0, 1, 0]
        assert len(broker.held) == 4

    def test_confirming_another_task_changes_nothing(self, broker):
        row = order()
        outbox.relay_due()
        for task_id in (str(row.pk), f"{uuid.uuid4()}:{TASKS[0]}", "no id:at all", str(uuid.uuid4())):
            outbox.confirm(task_id)
            outbox.postpone(task_id, seconds=1)
            assert not outbox.is_confirmed(task_id)
        row.refresh_from_db()
        assert (row.handled, row.done_at) == ([], None)


@pytest.mark.django_db(transaction=True)
def test_parallel_relays_handle_each_event_once():
    OutboxEvent.objects.bulk_create(
        OutboxEvent(name="test.happened", payload={"thing_id": str(uuid.uuid4()), "text": str(number)})
        for number in range(60)
    )

    def take(_):
        try:
            return outbox.relay_due().taken
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(4))) == 60
    assert sorted(int(event.text) for name, event, _ in calls if name == "first") == list(range(60))
    assert OutboxEvent.objects.pending().count() == 0
