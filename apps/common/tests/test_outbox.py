"""Events from their transaction to the end of their work: once each, later when something is away, never lost."""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import celery
import pytest
from celery.exceptions import Reject
from django.db import OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from apps.common import events
from apps.common.events import outbox
from apps.common.events.relay import Relay, relay
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
    """Holds what is published, instead of a broker."""
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
    return OutboxEvent.objects.get(name="test.ordered")


def pass_time(row, **span):
    """Let that much time have passed for the event."""
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


@pytest.mark.django_db
class TestRelay:
    def test_an_event_reaches_all_its_handlers_once(self):
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

    def test_without_handlers_it_is_done_at_once(self):
        with transaction.atomic():
            events.publish(Unheard())
        assert outbox.relay_due().taken == 1
        assert OutboxEvent.objects.pending().count() == 0

    def test_a_failed_handler_alone_runs_again_and_what_it_wrote_is_gone(self):
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

    def test_after_ten_attempts_it_is_dead_and_can_be_replayed(self):
        row = happen()
        trouble["second"] = ValueError("no")
        for _ in range(12):
            make_due()
            outbox.relay_due()
        row.refresh_from_db()
        assert row.attempts == 10
        assert row.dead_at is not None
        assert names().count("second") == 10
        assert names().count("first") == 1
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

    def test_an_event_of_other_code_is_kept(self):
        OutboxEvent.objects.create(name="test.forgotten")
        OutboxEvent.objects.create(name="test.happened", payload={"thing_id": "no uuid"})
        OutboxEvent.objects.create(name="test.happened", payload={"other": 1})
        assert outbox.relay_due().taken == 3
        errors = sorted(OutboxEvent.objects.values_list("last_error", flat=True))
        assert errors[2] == "ValueError: badly formed hexadecimal UUID string"
        assert errors[1] == "UnknownEvent: no event is named 'test.forgotten'"
        assert errors[0].startswith("TypeError: ")
        assert OutboxEvent.objects.pending().count() == 3

    def test_the_sweep_goes_on_until_nothing_is_due(self, monkeypatch):
        monkeypatch.setattr(outbox, "LIMIT", 2)
        rounds = iter([2, 2, 1])
        monkeypatch.setattr(
            outbox, "relay_due", lambda: outbox.Round(taken=next(rounds), retry_in=None, outage=False)
        )
        outbox.sweep()
        assert list(rounds) == []

    def test_a_round_is_bounded(self):
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

    def test_delays_grow_to_their_ceiling(self):
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

    def test_what_an_emptied_broker_lost_is_asked_for_again_after_a_bounded_time(self, broker):
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

    def test_only_what_was_not_confirmed_is_asked_for_again(self, broker):
        row = order()
        outbox.relay_due()
        del broker.held[0]
        broker.deliver()
        pass_time(row, minutes=2)
        outbox.relay_due()
        assert broker.ids() == [f"{row.pk}:{TASKS[0]}"]

    def test_a_copy_of_a_task_whose_work_is_done_does_nothing(self, broker):
        order()
        outbox.relay_due()
        copies = list(broker.held) * 2
        broker.deliver()
        broker.held.extend(copies)
        broker.deliver()
        assert len(done) == 2

    def test_a_relay_that_was_killed_after_publishing_loses_nothing(self, broker):
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

    def test_a_dead_task_is_the_end_of_the_work(self, broker):
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

    def test_a_task_that_is_retried_is_not_asked_for_meanwhile(self, broker):
        row = order()
        outbox.relay_due()
        pass_time(row, seconds=70)
        outbox.postpone(f"{row.pk}:{TASKS[0]}", seconds=45)
        row.refresh_from_db()
        assert (row.due_at - timezone.now()).total_seconds() == pytest.approx(117, abs=5)

    def test_a_retry_that_the_broker_did_not_take_is_left_to_the_outbox(self, broker):
        row = order()
        trouble["slow"] = Reject("the broker is away", requeue=False)
        outbox.relay_due()
        task_id = broker.ids()[0]
        celery_task.record_failure(sender=task, task_id=task_id, exception=trouble["slow"])
        row.refresh_from_db()
        assert (DeadTask.objects.count(), row.awaited) == (0, TASKS)

    def test_an_event_of_the_release_before_that_is_half_done_runs_the_rest(self, broker):
        row = order()
        OutboxEvent.objects.update(handled=TASKS[:1])
        outbox.relay_due()
        assert broker.ids() == [f"{row.pk}:{TASKS[1]}"]
        broker.deliver()
        row.refresh_from_db()
        assert row.done_at is not None

    def test_a_broker_that_is_away_is_tried_again_soon(self, broker, monkeypatch):
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

    def test_confirming_something_else_changes_nothing(self, broker):
        row = order()
        outbox.relay_due()
        for task_id in (str(row.pk), f"{uuid.uuid4()}:{TASKS[0]}", "no id:at all", str(uuid.uuid4())):
            outbox.confirm(task_id)
            outbox.postpone(task_id, seconds=1)
            assert not outbox.is_confirmed(task_id)
        row.refresh_from_db()
        assert (row.handled, row.done_at) == ([], None)


@pytest.mark.django_db
def test_every_task_of_every_event_of_this_project_takes_what_it_is_given():
    """A parameter that no field is named after is found here, not by a worker."""
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
    def test_a_task_that_does_not_fit_the_event_is_refused(self):
        event = Ordered(thing_id=uuid.uuid4())
        misfit = events.TaskHandler(task=task, constants={"colour": "red"})
        with pytest.raises(TypeError, match=r"missing \[\], unknown \['colour'\]"):
            misfit.arguments(event, event_id=uuid.uuid4())
        with pytest.raises(TypeError, match=r"missing \['thing_id'\], unknown \[\]"):
            events.TaskHandler(task=task).arguments(Unheard(), event_id=uuid.uuid4())

    def test_names_are_unique_and_given(self):
        with pytest.raises(TypeError, match=r"Two events are named 'test\.happened'"):
            type("Other", (events.Event,), {"name": "test.happened"})
        with pytest.raises(TypeError, match="has no name"):
            type("Nameless", (events.Event,), {})

    def test_a_name_stands_for_one_handler(self):
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

    def test_values_have_their_types(self):
        with pytest.raises(TypeError, match=r"test\.happened\.thing_id is a str"):
            events.encode(Happened(thing_id="x"))

    def test_only_plain_values_are_carried(self):
        @dataclass(frozen=True, slots=True, kw_only=True)
        class Rich(events.Event):
            name: ClassVar[str] = "test.rich"
            data: dict[str, str]

        with pytest.raises(TypeError, match="ids and plain values"):
            events.encode(Rich(data={}))

    def test_fields_that_are_gone_are_dropped(self):
        thing = uuid.uuid4()
        assert events.decode("test.happened", {"thing_id": str(thing), "gone": 1}) == Happened(thing_id=thing)

    @pytest.mark.django_db(transaction=True)
    def test_publishing_outside_of_a_transaction_is_refused(self):
        with pytest.raises(TransactionManagementError):
            events.publish(Unheard())

    @pytest.mark.django_db(transaction=True)
    def test_a_rollback_takes_the_event_along(self):
        def fail():
            with transaction.atomic():
                events.publish(Unheard())
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert OutboxEvent.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_concurrent_relays_take_each_event_once():
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


@pytest.fixture
def thread(settings):
    settings.OUTBOX_RELAY_THREAD = True
    yield relay
    assert relay.stop(timeout=5)


def eventually(condition, seconds=5.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
class TestThread:
    def test_it_hands_events_on_right_after_the_commit(self, thread):
        with transaction.atomic():
            events.publish(Happened(thing_id=uuid.uuid4()))
            time.sleep(0.1)
            assert calls == []
        eventually(lambda: len(calls) == 2, 1.0)
        eventually(lambda: OutboxEvent.objects.filter(done_at=None).count() == 0)
        assert thread.is_running

    def test_a_burst_beyond_its_limit_needs_no_sweep(self, thread):
        with transaction.atomic():
            OutboxEvent.objects.bulk_create(OutboxEvent(name="test.unheard") for _ in range(1_200))
            transaction.on_commit(thread.wake)
        eventually(lambda: OutboxEvent.objects.filter(done_at=None).count() == 0, 60)
        assert OutboxEvent.objects.count() == 1_200

    def test_it_tries_again_by_itself(self, thread):
        trouble["second"] = BrokerError("refused")
        happen()
        eventually(lambda: "second" in names())
        trouble.clear()
        eventually(lambda: OutboxEvent.objects.filter(done_at=None).count() == 0)

    def test_it_survives_a_connection_that_died(self, thread):
        happen()
        eventually(lambda: OutboxEvent.objects.filter(done_at=None).count() == 0)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        happen()
        eventually(lambda: OutboxEvent.objects.filter(done_at=None).count() == 0)

    def test_it_stops_and_starts_again(self, thread):
        happen()
        eventually(lambda: len(calls) == 2)
        assert thread.stop(timeout=5)
        assert not thread.is_running
        assert thread.stop()
        happen()
        eventually(lambda: len(calls) == 4)

    def test_off_means_no_thread(self, settings):
        settings.OUTBOX_RELAY_THREAD = False
        happen()
        assert not relay.is_running

    def test_a_forked_process_starts_its_own(self, thread):
        happen()
        eventually(lambda: len(calls) == 2)
        of_the_parent = thread._thread, thread._woken, thread._stopping
        thread._forget_thread()
        assert not thread.is_running
        before = threading.active_count()
        thread.wake()
        assert thread.is_running
        assert threading.active_count() == before + 1
        left, woken, stopping = of_the_parent
        assert left.daemon
        stopping.set()
        woken.set()
        left.join(5)
        assert not left.is_alive()


def test_a_database_that_is_away_is_tried_again_soon(monkeypatch):
    def away():
        raise OperationalError("gone")

    monkeypatch.setattr(outbox, "relay_due", away)
    assert outbox._run_round() == 1.0


@pytest.mark.parametrize(
    ("result", "wait"),
    [
        (outbox.Round(taken=1, retry_in=0.8, outage=True), 1.0),
        (outbox.Round(taken=1, retry_in=30.0, outage=True), 5.0),
        (outbox.Round(taken=1, retry_in=30.0, outage=False), 30.0),
        (outbox.Round(taken=1, retry_in=None, outage=False), None),
        (outbox.Round(taken=500, retry_in=None, outage=False), 0.0),
        (outbox.Round(taken=500, retry_in=30.0, outage=False), 0.0),
    ],
)
def test_how_long_the_thread_sleeps(monkeypatch, result, wait):
    monkeypatch.setattr(outbox, "relay_due", lambda: result)
    assert outbox._run_round() == wait


def test_a_round_that_fails_does_not_end_the_thread(settings):
    settings.OUTBOX_RELAY_THREAD = True
    rounds = []

    def work():
        rounds.append(1)
        if len(rounds) == 1:
            raise RuntimeError("unforeseen")

    faulty = Relay(work)
    faulty.wake()
    eventually(lambda: len(rounds) == 1)
    faulty.wake()
    eventually(lambda: len(rounds) == 2)
    assert faulty.stop()


def test_at_the_end_of_the_process_no_thread_is_started(settings, monkeypatch):
    settings.OUTBOX_RELAY_THREAD = True

    def shutting_down(self):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    late = Relay(lambda: None)
    monkeypatch.setattr(threading.Thread, "start", shutting_down)
    late.wake()
    assert not late.is_running
    assert late.stop()
