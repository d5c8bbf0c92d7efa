"""Dead tasks, periodic tasks, commands and admin pages."""

from __future__ import annotations

import datetime as dt
import uuid

import celery
import pytest
from celery import shared_task
from django.contrib import admin
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import RequestFactory
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.common import tasks
from apps.common.admin import DeadTaskAdmin, OutboxEventAdmin, StateFilter
from apps.common.events import outbox
from apps.common.models import DeadTask, OutboxEvent
from apps.common.tasks import celery_task
from config.celery import app
from infrastructure.telemetry import context


class Flaky(Exception):
    pass


ran: list[dict[str, object]] = []


@shared_task(autoretry_for=(Flaky,))
def flaky(*, error: str = "", **kwargs) -> None:
    ran.append({"request_id": context.request_id(), "retries": flaky.request.retries, **kwargs})
    if error == "flaky":
        raise Flaky("password=hunter2")
    if error:
        raise ValueError(error)


@pytest.fixture(autouse=True)
def _eager():
    ran.clear()
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def published(monkeypatch):
    """Tasks published to the broker."""
    sent = []

    def send(name, producer=None, **options):
        sent.append((name, options))

    monkeypatch.setattr(celery.current_app, "send_task", send)
    return sent


@pytest.mark.django_db
class TestDeadTasks:
    def test_every_task_of_the_project_has_the_base(self):
        assert isinstance(app.tasks[flaky.name], celery_task.Task)
        assert app.tasks[flaky.name].acks_late is True
        assert (
            flaky.retry_backoff_max
            <= celery_task.MAX_COUNTDOWN
            < app.conf.broker_transport_options["visibility_timeout"]
        )

    def test_an_error_without_retry_makes_a_dead_task(self):
        with context.bound(request_id="request-0001"):
            flaky.delay(error="broken", thing_id="7")
        row = DeadTask.objects.get()
        assert (row.name, row.kwargs, row.error) == (
            flaky.name,
            {"error": "broken", "thing_id": "7"},
            "ValueError: broken",
        )
        assert "in flaky" in row.traceback
        assert len(ran) == 1

    def test_an_error_with_retry_is_retried_first(self):
        flaky.apply(kwargs={"error": "flaky"})
        assert [run["retries"] for run in ran] == list(range(11))
        row = DeadTask.objects.get()
        assert row.error == "Flaky: password=[redacted]"
        assert "hunter2" not in row.traceback

    def test_a_successful_task_leaves_no_row(self):
        flaky.delay()
        assert DeadTask.objects.count() == 0

    def test_without_the_database_the_failure_is_logged(self, monkeypatch, caplog):
        def away(**_):
            raise DatabaseError("gone")

        monkeypatch.setattr(DeadTask.objects, "create", away)
        flaky.delay(error="broken")
        assert "task.dead_not_recorded" in caplog.text

    def test_long_countdowns_are_refused(self):
        with pytest.raises(ValueError, match="waits at most 45 s"):
            flaky.apply_async(countdown=46)
        flaky.apply_async(countdown=45)
        flaky.apply_async(countdown=300, retries=3)
        assert len(ran) == 2

    def test_a_replay_is_an_event(self, published):
        rows = [
            DeadTask.objects.create(
                task_id=str(number), name="a.task", kwargs={"id": number}, error="", request_id="request-1"
            )
            for number in range(3)
        ]
        assert celery_task.replay(task_ids=[rows[1].pk, uuid.uuid4()]) == 1
        assert celery_task.replay() == 2
        assert celery_task.replay() == 0
        assert DeadTask.objects.filter(replayed_at=None).count() == 0
        events = list(OutboxEvent.objects.order_by("created_at", "id"))
        assert {event.request_id for event in events} == {"request-1"}
        outbox.relay_due()
        name = "apps.common.celery_task.replay"
        assert published == [
            ("a.task", {"args": [], "kwargs": {"id": number}, "task_id": f"{event.pk}:{name}"})
            for number, event in zip([1, 0, 2], events, strict=True)
        ]
        assert OutboxEvent.objects.pending().count() == 3
        for event in events:
            outbox.confirm(f"{event.pk}:{name}")
        assert OutboxEvent.objects.pending().count() == 0

    def test_a_replay_waits_for_the_broker(self, monkeypatch):
        DeadTask.objects.create(task_id="1", name="a.task", error="")

        def away(*args, **options):
            raise OperationalError("refused")

        monkeypatch.setattr(celery.current_app, "send_task", away)
        call_command("deadtasks", "replay", "--all")
        assert outbox.relay_due().outage
        assert OutboxEvent.objects.pending().count() == 1

    def test_a_message_without_a_task_is_not_replayed(self):
        DeadTask.objects.create(task_id="", name="", error="not JSON", message="garbage")
        assert celery_task.replay() == 0
        assert DeadTask.objects.get().replayed_at is None


class TestCalling:
    def test_a_task_is_named_after_its_module_and_calls_its_service(self):
        seen = []

        def do(*, one_id: uuid.UUID, at: dt.datetime | None, text: str = "") -> int:
            seen.append((one_id, at, text))
            return 1

        task = celery_task.calling(do, module="a.tasks", retry_for=(Flaky,))
        assert task.name == "a.tasks.do"
        one, now = uuid.uuid4(), timezone.now()
        task(one_id=str(one), at=now.isoformat(), text="x")
        task.delay(one_id=str(one), at=None)
        assert seen == [(one, now, "x"), (one, None, "")]
        assert celery_task.calling(do, module="a.tasks", name="other").name == "a.tasks.other"


@pytest.mark.django_db
class TestCommands:
    def test_outbox(self, capsys):
        with transaction.atomic():
            dead = OutboxEvent.objects.create(
                name="a.died", dead_at=timezone.now(), attempts=10, last_error="E: x\ny"
            )
            OutboxEvent.objects.create(name="a.waits")
            OutboxEvent.objects.create(name="a.done", done_at=timezone.now())
        call_command("outbox", "list")
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split() == ["id", "event", "state", "attempts", "due", "error"]
        assert [line.split()[1:4] for line in lines[1:]] == [
            ["a.died", "dead", "10"],
            ["a.waits", "pending", "0"],
        ]
        assert lines[1].endswith("E: x")
        call_command("outbox", "list", "--dead")
        assert len(capsys.readouterr().out.splitlines()) == 2
        call_command("outbox", "replay", str(dead.pk))
        assert capsys.readouterr().out == "1 events are due again.\n"
        call_command("outbox", "replay", "--all")
        assert capsys.readouterr().out == "0 events are due again.\n"

    def test_deadtasks(self, capsys, published):
        row = DeadTask.objects.create(task_id="1", name="a.task", kwargs={"id": 5}, error="E: x\ny")
        call_command("deadtasks", "list")
        lines = capsys.readouterr().out.splitlines()
        assert lines[1].split()[0] == str(row.pk)
        assert lines[1].endswith("{'id': 5}  E: x")
        call_command("deadtasks", "replay", str(row.pk))
        assert capsys.readouterr().out == "1 tasks will run again.\n"
        call_command("deadtasks", "list")
        assert len(capsys.readouterr().out.splitlines()) == 1

    @pytest.mark.parametrize("command", ["outbox", "deadtasks"])
    def test_replay_requires_ids_or_all(self, command):
        with pytest.raises(CommandError):
            call_command(command, "replay")


@pytest.mark.django_db
class TestPeriodicTasks:
    def test_the_sweep_relays_and_measures(self):
        OutboxEvent.objects.create(name="x.unknown")
        tasks.sweep_outbox.apply()
        row = OutboxEvent.objects.get()
        assert row.attempts == 1

    def test_pruning(self):
        long_ago = timezone.now() - 2 * outbox.KEEP_DONE
        OutboxEvent.objects.create(name="x.done", done_at=long_ago)
        tasks.prune.apply()
        assert OutboxEvent.objects.count() == 0


@pytest.mark.django_db
class TestAdmin:
    @pytest.fixture
    def request_of_admin(self):
        request = RequestFactory().post("/admin/")
        request._messages = CookieStorage(request)
        return request

    def said(self, request):
        return [str(message) for message in request._messages._queued_messages]

    def test_dead_events_are_replayed(self, request_of_admin):
        OutboxEvent.objects.create(name="a.died", dead_at=timezone.now())
        OutboxEventAdmin(OutboxEvent, admin.site).replay(request_of_admin, OutboxEvent.objects.all())
        assert self.said(request_of_admin) == ["1 events are due again."]
        assert OutboxEvent.objects.dead().count() == 0

    def test_dead_tasks_are_replayed(self, request_of_admin):
        row = DeadTask.objects.create(task_id="1", name="a.task", error="first line\nsecond")
        page = DeadTaskAdmin(DeadTask, admin.site)
        assert page.error_line(row) == "first line"
        page.replay(request_of_admin, DeadTask.objects.all())
        assert self.said(request_of_admin) == ["1 tasks will run again."]
        row.refresh_from_db()
        assert row.replayed_at is not None

    def test_pages_are_read_only(self, request_of_admin):
        page = OutboxEventAdmin(OutboxEvent, admin.site)
        assert not page.has_add_permission(request_of_admin)
        assert not page.has_change_permission(request_of_admin)

    @pytest.mark.parametrize(
        ("state", "names"),
        [
            ("pending", {"p"}),
            ("awaited", {"a"}),
            ("dead", {"x"}),
            ("done", {"d"}),
            (None, {"p", "a", "x", "d"}),
        ],
    )
    def test_events_are_filtered_by_state(self, request_of_admin, state, names):
        OutboxEvent.objects.create(name="p")
        OutboxEvent.objects.create(name="a", asked_at=timezone.now())
        OutboxEvent.objects.create(name="x", dead_at=timezone.now())
        OutboxEvent.objects.create(name="d", done_at=timezone.now())
        chosen = StateFilter(
            request_of_admin, {"state": [state]} if state else {}, OutboxEvent, OutboxEventAdmin
        )
        found = chosen.queryset(request_of_admin, OutboxEvent.objects.all())
        assert set(found.values_list("name", flat=True)) == names
        assert len(chosen.lookups(request_of_admin, None)) == 4
