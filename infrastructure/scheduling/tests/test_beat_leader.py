"""Two beats, one leader; runs that are noted once; rows and services that beat outlives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import celery
import psycopg
import pytest
from celery import shared_task
from django.db import OperationalError, connection
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks
from kombu.exceptions import OperationalError as BrokerError
from psycopg.conninfo import conninfo_to_dict

from apps.common.testing.waiting import wait_until
from config.celery import app
from infrastructure.database import budget
from infrastructure.database.tests import private
from infrastructure.scheduling.beat_leader import LeaderScheduler, Leadership, without_note

pytestmark = pytest.mark.django_db(transaction=True)


@shared_task(name="test.sweep")
def sweep() -> None: ...


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What is published, instead of a broker."""
    published: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        celery.Task,
        "apply_async",
        lambda self, *_, **options: published.append((self.name, options.get("expires"))),
    )
    return published


@pytest.fixture
def beat(sent: Any) -> Iterator[Callable[[], LeaderScheduler]]:
    """Makes beats."""
    made: list[LeaderScheduler] = []

    def make() -> LeaderScheduler:
        scheduler = LeaderScheduler(app=app, lazy=False)
        scheduler.__dict__["producer"] = None
        made.append(scheduler)
        return scheduler

    yield make
    for scheduler in made:
        scheduler._finalize.cancel()
        scheduler._leadership.release()


def schedule(name: str = "test.sweep", **fields: Any) -> PeriodicTask:
    every, _ = IntervalSchedule.objects.get_or_create(every=30, period="seconds")
    row: PeriodicTask = PeriodicTask.objects.create(
        **{"name": name, "task": "test.sweep", "interval": every, "start_time": None} | fields
    )
    due()
    return row


def due() -> None:
    PeriodicTask.objects.update(last_run_at=timezone.now() - dt.timedelta(seconds=60))
    PeriodicTasks.update_changed()


def run(scheduler: LeaderScheduler, times: int = 4) -> list[float]:
    return [scheduler.tick() for _ in range(times)]


def test_the_second_beat_waits_and_takes_over_without_repeating(beat: Any, sent: Any) -> None:
    schedule(expire_seconds=60)
    first, second = beat(), beat()
    run(first)
    assert sent == [("test.sweep", 60)]
    assert run(second) == [5.0] * 4
    first.close()
    run(second)
    assert len(sent) == 1
    due()
    run(second)
    run(first)
    assert len(sent) == 2
    assert PeriodicTask.objects.get().total_run_count == 2


def test_two_simultaneous_leaders_publish_once(beat: Any, sent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule()
    monkeypatch.setattr(Leadership, "hold", lambda self: True)
    first, second = beat(), beat()
    for scheduler in (first, second):
        assert list(scheduler.schedule) == ["test.sweep"]
    run(first)
    run(second)
    run(first)
    assert len(sent) == 1
    assert PeriodicTask.objects.get().total_run_count == 1


def test_a_leader_detects_a_lost_connection(beat: Any) -> None:
    first = beat()
    run(first, 1)
    assert first._leads
    first._leadership._connection.close()
    assert first.tick() == 5.0
    assert not first._leads
    run(first, 1)
    assert first._leads


def test_a_restart_of_the_database_costs_a_round_and_repeats_nothing(beat: Any, sent: Any) -> None:
    schedule()
    scheduler = beat()
    run(scheduler)
    assert len(sent) == 1
    parameters = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(
        **{name: parameters[name] for name in names if name in parameters}, autocommit=True
    ) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    run(scheduler, 6)
    assert scheduler._leads
    assert len(sent) == 1
    due()
    run(scheduler)
    assert len(sent) == 2


def test_a_database_that_is_away_in_the_middle_of_a_round_ends_no_beat(
    beat: Any, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule()
    scheduler = beat()

    def away() -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(scheduler, "took_the_lead", away)
        assert scheduler.tick() == 1.0
        assert not scheduler._leads
    run(scheduler)
    assert len(sent) == 1


def test_a_database_that_does_not_answer_is_given_up_in_the_middle_of_a_round(
    beat: Any, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule()
    scheduler = beat()
    monkeypatch.setattr(budget, "ANSWER", 0.4)
    for step in ("took_the_lead", "schedule_changed"):
        with monkeypatch.context() as patched:
            patched.setattr(scheduler, step, lambda: connection.cursor().execute("SELECT pg_sleep(10)"))
            assert scheduler.tick() == 1.0
    run(scheduler)
    assert len(sent) == 1


def test_a_leader_with_a_frozen_database_steps_down_and_leads_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with private.running() as server, ThreadPoolExecutor(1) as thread:
        parameters = conninfo_to_dict(server.url)
        monkeypatch.setattr(connection, "get_connection_params", lambda: parameters)
        leadership = Leadership()
        assert leadership.hold()
        monkeypatch.setattr(budget, "ANSWER", 0.4)
        with server.frozen():
            assert thread.submit(leadership.hold).result(30) is False
        monkeypatch.undo()
        monkeypatch.setattr(connection, "get_connection_params", lambda: parameters)
        wait_until(leadership.hold)
        with server.frozen():
            thread.submit(leadership.release).result(30)


def test_a_broker_that_is_away_means_that_the_run_is_made_up_for(
    beat: Any, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule()
    scheduler = beat()
    before = PeriodicTask.objects.get().last_run_at

    def away(*_: Any, **__: Any) -> None:
        raise BrokerError("refused")

    with monkeypatch.context() as patched:
        patched.setattr(celery.Task, "apply_async", away)
        assert run(scheduler, 2) == [1.0, 1.0]
    row = PeriodicTask.objects.get()
    assert (row.last_run_at, row.total_run_count) == (before, 0)
    run(scheduler)
    assert len(sent) == 1


def test_runs_that_were_missed_are_made_up_by_one(beat: Any, sent: Any) -> None:
    row = schedule()
    PeriodicTask.objects.update(last_run_at=timezone.now() - dt.timedelta(days=3))
    run(beat(), 6)
    assert len(sent) == 1
    row.refresh_from_db()
    assert (timezone.now() - row.last_run_at).total_seconds() < 60


def test_a_missed_crontab_runs_at_any_hour(beat: Any, sent: Any) -> None:
    now = timezone.now()
    hour = (now.hour + 12) % 24
    crontab = CrontabSchedule.objects.create(minute="0", hour=str(hour), timezone="UTC")
    schedule(interval=None, crontab=crontab)
    PeriodicTask.objects.update(last_run_at=now - dt.timedelta(days=1, minutes=1))
    PeriodicTasks.update_changed()
    run(beat(), 6)
    assert len(sent) == 1


def test_the_first_run_is_not_put_off_by_changes_of_the_row(beat: Any, sent: Any) -> None:
    row = schedule()
    PeriodicTask.objects.update(last_run_at=None, date_changed=timezone.now() - dt.timedelta(seconds=20))
    run(beat(), 2)
    assert sent == []
    row.refresh_from_db()
    noted = row.last_run_at
    assert 19 < (timezone.now() - noted).total_seconds() < 29
    row.description = "edited"
    row.save()
    row.refresh_from_db()
    assert row.last_run_at == noted


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"task": "test.gone"}, "no task is named test.gone"),
        ({"args": "5"}, "the arguments are no list and no object"),
        ({"kwargs": "[]"}, "the arguments are no list and no object"),
        ({"headers": "[]"}, "list indices must be integers or slices, not str"),
        ({"headers": "{"}, "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ({"period": "days"}, "days=2147483647; must have magnitude <= 999999999"),
        (
            {"month": "2", "day": "31"},
            "Invalid crontab: day_of_month '31' never occurs in month_of_year '2'.",
        ),
    ],
)
def test_invalid_schedules_are_disabled_with_a_note(
    beat: Any, sent: Any, fields: dict[str, str], reason: str
) -> None:
    if "period" in fields:
        endless = IntervalSchedule.objects.create(every=2**31 - 1, period=fields.pop("period"))
        schedule("test.broken", interval=endless)
    elif "month" in fields:
        never = CrontabSchedule.objects.create(month_of_year=fields["month"], day_of_month=fields["day"])
        schedule("test.broken", interval=None, crontab=never)
    else:
        schedule("test.broken", description="Of great use.", **fields)
    schedule()
    run(beat())
    assert [name for name, _ in sent] == ["test.sweep"]
    row = PeriodicTask.objects.get(name="test.broken")
    note = row.description.splitlines()[0]
    assert not row.enabled
    assert note.startswith("Disabled on ")
    assert note.endswith(reason)
    assert without_note(row.description) == ("Of great use." if fields and "month" not in fields else "")


def test_without_the_database_no_beat_leads() -> None:
    def away() -> Any:
        raise psycopg.OperationalError("refused")

    leadership = Leadership(away)
    assert leadership.hold() is False
    leadership.release()


def test_the_lock_falls_free_with_its_holder() -> None:
    first, second = Leadership(), Leadership()
    try:
        assert [first.hold(), first.hold(), second.hold()] == [True, True, False]
        first.release()
        assert second.hold()
    finally:
        first.release()
        second.release()
