"""Declared schedules, and edits in the admin site."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from celery import shared_task
from celery.schedules import crontab
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from kombu.exceptions import OperationalError

from apps.common import slices
from apps.common.models import DeclaredSchedule
from apps.common.tasks import schedules
from apps.common.testing.users import PASSWORD, AdminFactory
from config.celery import app, collect_schedules
from infrastructure.scheduling.beat_leader import Leadership

pytestmark = pytest.mark.django_db


@shared_task(name="test.clean")
def clean() -> None: ...


NIGHTLY = {"task": "test.clean", "schedule": crontab(minute="5", hour="3")}
DAILY = {"task": "test.clean", "schedule": 24 * 3600.0, "options": {"expires": 3600}}


def step(**declared: dict[str, Any]) -> None:
    schedules.synchronise(declared)


def row(name: str = "daily") -> PeriodicTask:
    return PeriodicTask.objects.get(name=name)


def edit(**fields: Any) -> PeriodicTask:
    """Change the row as the admin site does."""
    found = row()
    for name, value in fields.items():
        setattr(found, name, value)
    found.save()
    return found


def every(count: int, period: str) -> IntervalSchedule:
    return IntervalSchedule.objects.get_or_create(every=count, period=period)[0]


def differences(name: str = "daily") -> dict[str, Any]:
    return schedules.edited_fields(row(name), DeclaredSchedule.objects.get(name=name))


def test_a_new_schedule_has_an_expiry_and_first_runs_after_one_interval() -> None:
    step(daily=DAILY, nightly=NIGHTLY)
    found = row()
    assert (found.task, found.interval.every, found.expire_seconds, found.args, found.kwargs) == (
        "test.clean",
        86400,
        3600,
        "[]",
        "{}",
    )
    assert (timezone.now() - found.last_run_at).total_seconds() < 10
    assert found.total_run_count == 0
    assert (row("nightly").crontab.hour, row("nightly").crontab.minute) == ("3", "5")


def test_a_restart_without_changes_writes_nothing(django_assert_num_queries: Any) -> None:
    step(daily=DAILY, nightly=NIGHTLY)
    before = row()
    with django_assert_num_queries(5):  # the savepoint, the lock, and two reads
        step(daily=DAILY, nightly=NIGHTLY)
    after = row()
    assert (after.date_changed, after.last_run_at) == (before.date_changed, before.last_run_at)


def test_a_daily_task_runs_although_beat_restarts_more_often() -> None:
    step(daily=DAILY)
    PeriodicTask.objects.update(last_run_at=timezone.now() - dt.timedelta(hours=25))
    step(daily=DAILY)
    scheduler = schedules.Scheduler(app=app, lazy=True, leadership=Leadership())
    assert scheduler.Entry(row(), app=app).is_due().is_due
    scheduler._finalize.cancel()


def test_edited_fields_stay_and_are_shown() -> None:
    step(daily=DAILY)
    edit(interval=every(2, "hours"), expire_seconds=60, enabled=False)
    step(daily=DAILY)
    found = row()
    assert (str(found.interval), found.expire_seconds, found.enabled) == ("every 2 hours", 60, False)
    assert differences() == {"schedule": "every 86400 seconds", "expire_seconds": 3600}


def test_a_changed_declaration_updates_unedited_fields() -> None:
    step(daily=DAILY)
    edit(interval=every(2, "hours"))
    step(daily=DAILY | {"schedule": 1800.0, "options": {"expire_seconds": 7}, "kwargs": {"deep": True}})
    found = row()
    assert (found.interval.every, found.expire_seconds, found.kwargs) == (2, 7, '{"deep": true}')
    assert differences() == {"schedule": "every 1800 seconds"}
    edit(interval=every(30, "minutes"))
    assert differences() == {}
    step(daily=NIGHTLY)
    assert (row().interval, str(row().crontab.hour)) == (None, "3")


def test_a_schedule_of_the_last_release_is_written_once() -> None:
    """The last release kept no declarations and wrote every field at each start."""
    PeriodicTask.objects.create(name="daily", task="test.clean", interval=every(9, "days"))
    step(daily=DAILY)
    assert (row().interval.every, row().expire_seconds) == (86400, 3600)


def test_a_removed_declaration_disables_its_schedule_until_it_returns() -> None:
    step(daily=DAILY)
    edit(description="Cleans.\nThoroughly.")
    step()
    found = row()
    assert not found.enabled
    assert found.description.splitlines()[1:] == ["Cleans.", "Thoroughly."]
    assert found.description.startswith("Disabled on ")
    assert found.description.splitlines()[0].endswith(schedules.REMOVED)
    assert not DeclaredSchedule.objects.exists()
    step(daily=DAILY)
    assert (row().enabled, row().description) == (True, "Cleans.\nThoroughly.")
    edit(enabled=False)
    step(daily=DAILY | {"schedule": 60.0})
    assert not row().enabled


def test_a_deleted_row_is_written_again() -> None:
    step(daily=DAILY)
    row().delete()
    step(daily=DAILY)
    assert row().enabled


def test_schedules_of_the_admin_site_are_not_changed() -> None:
    PeriodicTask.objects.create(name="mine", task="test.clean", interval=every(9, "days"))
    step(daily=DAILY)
    step()
    assert row("mine").enabled


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValueError, match=r"daily has unknown options: \['countdown'\]"):
        step(daily=DAILY | {"options": {"countdown": 5}})


def test_declarations_of_all_slices_are_written() -> None:
    collect_schedules(app)
    schedules.synchronise(app.conf.beat_schedule)
    declared = {name for _, module in slices.modules("tasks") for name in getattr(module, "SCHEDULE", {})}
    assert set(PeriodicTask.objects.values_list("name", flat=True)) == declared == set(app.conf.beat_schedule)
    assert not PeriodicTask.objects.filter(expire_seconds=None).exists()
    assert set(PeriodicTask.objects.values_list("task", flat=True)) <= set(app.tasks)


class TestAdmin:
    @pytest.fixture
    def site(self, client: Client) -> Client:
        boss = AdminFactory.create()
        client.post("/admin/login/", {"username": boss.email, "password": PASSWORD})
        return client

    def problems(self, response: Any) -> list[str]:
        assert response.status_code == 200
        form = response.context["adminform"].form
        return [str(one) for errors in form.errors.values() for one in errors]

    @pytest.mark.parametrize("field", ["minute", "hour", "day_of_month", "month_of_year", "day_of_week"])
    @pytest.mark.parametrize("value", ["-1", "1,-1", "*/-1", "1,,2", "*/*", "99", "x"])
    def test_an_invalid_crontab_is_refused(self, site: Client, field: str, value: str) -> None:
        every_minute = dict.fromkeys(("minute", "hour", "day_of_month", "month_of_year", "day_of_week"), "*")
        response = site.post(
            "/admin/django_celery_beat/crontabschedule/add/",
            every_minute
            | {
                field: value,
                "timezone": "UTC",
                "periodictask_set-TOTAL_FORMS": "0",
                "periodictask_set-INITIAL_FORMS": "0",
            },
        )
        assert self.problems(response)
        assert not CrontabSchedule.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"day_of_week": "7"}, "Invalid end range: 7 > 6."),
            (
                {"month_of_year": "2", "day_of_month": "31"},
                "day_of_month '31' never occurs in month_of_year '2'.",
            ),
        ],
    )
    def test_a_crontab_that_beat_cannot_follow_is_refused(
        self, site: Client, fields: dict[str, str], problem: str
    ) -> None:
        given = (
            dict.fromkeys(("minute", "hour", "day_of_month", "month_of_year", "day_of_week"), "*") | fields
        )
        response = site.post(
            "/admin/django_celery_beat/crontabschedule/add/",
            given
            | {"timezone": "UTC", "periodictask_set-TOTAL_FORMS": "0", "periodictask_set-INITIAL_FORMS": "0"},
        )
        (found,) = self.problems(response)
        assert found.startswith("Beat cannot follow this schedule: ")
        assert found.endswith(problem)

    def test_an_endless_interval_is_refused(self, site: Client) -> None:
        response = site.post(
            "/admin/django_celery_beat/intervalschedule/add/",
            {
                "every": "2147483647",
                "period": "days",
                "periodictask_set-TOTAL_FORMS": "0",
                "periodictask_set-INITIAL_FORMS": "0",
            },
        )
        (found,) = self.problems(response)
        assert "magnitude" in found
        assert not IntervalSchedule.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"task": "test.gone"}, "No task has this name."),
            ({"args": "5"}, "This is not a JSON list."),
            ({"kwargs": "[]"}, "This is not a JSON object."),
            ({"headers": "[1]"}, "This is not a JSON object."),
            ({"headers": "{"}, "This is not JSON: Expecting property name enclosed in double quotes"),
        ],
    )
    def test_a_periodic_task_that_beat_cannot_follow_is_refused(
        self, site: Client, fields: dict[str, str], problem: str
    ) -> None:
        step(daily=DAILY)
        given = {"name": "daily", "task": "test.clean", "enabled": "on", "interval": row().interval_id}
        given |= {"args": "[]", "kwargs": "{}", "headers": "{}"}
        address = f"/admin/django_celery_beat/periodictask/{row().pk}/change/"
        assert self.problems(site.post(address, given | fields))[0].startswith(problem)
        assert site.post(address, given).status_code == 302

    def test_it_shows_declarations_edits_and_notes(self, site: Client) -> None:
        step(daily=DAILY, nightly=NIGHTLY)
        PeriodicTask.objects.create(name="mine", task="test.clean", interval=every(9, "days"))
        edit(interval=every(2, "hours"))
        page = site.get("/admin/django_celery_beat/periodictask/").content.decode()
        assert "changed here; declared: schedule every 86400 seconds" in page
        assert '<td class="field-declared">yes</td>' in page
        assert '<td class="field-declared">no</td>' in page
        step(nightly=NIGHTLY)
        page = site.get("/admin/django_celery_beat/periodictask/").content.decode()
        assert schedules.REMOVED in page
        assert (
            site.get(f"/admin/django_celery_beat/periodictask/{row('nightly').pk}/change/").status_code == 200
        )

    def test_running_a_task_without_the_broker_shows_an_error(
        self, site: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: Any, **__: Any) -> None:
            raise OperationalError("refused")

        step(daily=DAILY)
        monkeypatch.setattr(clean, "apply_async", away)
        response = site.post(
            "/admin/django_celery_beat/periodictask/",
            {"action": "run_tasks", "_selected_action": [row().pk]},
            follow=True,
        )
        assert [str(one) for one in response.context["messages"]] == [
            "The broker is unavailable. Try again later."
        ]
