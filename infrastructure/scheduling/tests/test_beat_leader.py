"""Two beats, one leader."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from config.celery import app
from infrastructure.scheduling.beat_leader import LeaderScheduler, Leadership

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def beat():
    """Makes beats whose tasks are noted instead of sent."""
    made, sent = [], []
    declared, app.conf.beat_schedule = app.conf.beat_schedule, {}
    every, _ = IntervalSchedule.objects.get_or_create(every=30, period="seconds")
    PeriodicTask.objects.create(name="test.sweep", task="test.sweep", interval=every, start_time=None)
    PeriodicTasks.update_changed()

    def make():
        scheduler = LeaderScheduler(app=app, lazy=False)
        number = len(made)
        scheduler.send_task = lambda name, *_, **__: sent.append((number, name))
        made.append(scheduler)
        return scheduler

    make.sent = sent
    yield make
    app.conf.beat_schedule = declared
    for scheduler in made:
        scheduler._finalize.cancel()
        scheduler._leadership.release()


def due():
    PeriodicTask.objects.filter(name="test.sweep").update(
        last_run_at=timezone.now() - dt.timedelta(seconds=60)
    )
    PeriodicTasks.update_changed()


def run(scheduler, times=4):
    return [scheduler.tick() for _ in range(times)]


def of_ours(sent):
    return [entry for entry in sent if entry[1] == "test.sweep"]


def test_the_second_stands_by_and_takes_over_without_repeating(beat):
    due()
    first, second = beat(), beat()
    run(first)
    assert of_ours(beat.sent) == [(0, "test.sweep")]
    assert run(second) == [5.0] * 4
    assert of_ours(beat.sent) == [(0, "test.sweep")]
    first.close()
    run(second)
    assert of_ours(beat.sent) == [(0, "test.sweep")]
    due()
    run(second)
    run(first)
    assert of_ours(beat.sent) == [(0, "test.sweep"), (1, "test.sweep")]


def test_a_leader_whose_connection_dies_notices(beat):
    first = beat()
    run(first, 1)
    assert first._leads
    first._leadership._connection.close()
    assert first.tick() == 5.0
    assert not first._leads
    run(first, 1)
    assert first._leads


def test_a_database_that_is_away_means_nobody_leads():
    def away():
        raise psycopg.OperationalError("refused")

    leadership = Leadership(away)
    assert leadership.hold() is False
    leadership.release()


def test_the_lock_falls_free_with_its_holder():
    first, second = Leadership(), Leadership()
    try:
        assert [first.hold(), first.hold(), second.hold()] == [True, True, False]
        first.release()
        assert second.hold()
    finally:
        first.release()
        second.release()
