"""The thread that relays events."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from django.db import OperationalError, connection, transaction
from kombu.exceptions import OperationalError as BrokerError

from apps.common import events
from apps.common.events import outbox
from apps.common.events.relay import Relay, relay
from apps.common.models import OutboxEvent
from apps.common.tests.outbox_events import (
    Happened,
    calls,
    happen,
    names,
    trouble,
)


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
    def test_it_relays_events_right_after_the_commit(self, thread):
        with transaction.atomic():
            events.publish(Happened(thing_id=uuid.uuid4()))
            time.sleep(0.1)
            assert calls == []
        eventually(lambda: len(calls) == 2, 1.0)
        eventually(lambda: OutboxEvent.objects.filter(done_at=None).count() == 0)
        assert thread.is_running

    def test_it_relays_more_events_than_the_limit_without_a_sweep(self, thread):
        with transaction.atomic():
            OutboxEvent.objects.bulk_create(OutboxEvent(name="test.unheard") for _ in range(1_200))
            transaction.on_commit(thread.wake)
        eventually(lambda: OutboxEvent.objects.filter(done_at=None).count() == 0, 60)
        assert OutboxEvent.objects.count() == 1_200

    def test_it_retries_without_being_woken(self, thread):
        trouble["second"] = BrokerError("refused")
        happen()
        eventually(lambda: "second" in names())
        trouble.clear()
        eventually(lambda: OutboxEvent.objects.filter(done_at=None).count() == 0)

    def test_it_survives_a_dead_connection(self, thread):
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

    def test_the_setting_disables_the_thread(self, settings):
        settings.OUTBOX_RELAY_THREAD = False
        happen()
        assert not relay.is_running

    def test_a_forked_process_starts_its_own_thread(self, thread):
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


def test_an_unavailable_database_is_retried_soon(monkeypatch):
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
def test_the_time_until_the_next_round(monkeypatch, result, wait):
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


def test_no_thread_starts_at_interpreter_shutdown(settings, monkeypatch):
    settings.OUTBOX_RELAY_THREAD = True

    def shutting_down(self):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    late = Relay(lambda: None)
    monkeypatch.setattr(threading.Thread, "start", shutting_down)
    late.wake()
    assert not late.is_running
    assert late.stop()
