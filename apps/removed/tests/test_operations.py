"""Operations of migrations that take a slice out of the database."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, migrations
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from apps.api.models import ServiceKey
from apps.common.database import migration_risks
from apps.common.models import DeadTask, DeclaredSchedule, OutboxEvent
from apps.removed import operations, tables
from apps.removed.operations import KeepTables, RemoveSlice
from apps.users.models import Role

pytestmark = pytest.mark.django_db
NAMED = {"permissions": ["dogs.walk"], "schedules": ["dogs.feed"], "events": ["dogs.fed"]}
REMOVE = RemoveSlice("dogs", tables=["dogs_dog"], functions=["dogs_bark"], folders=["dogs"], **NAMED)
KEEP = KeepTables("dogs", **NAMED)


@pytest.fixture
def _used() -> None:
    """What a slice `dogs` left, and what others have that is called alike."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE dogs_dog (id int); INSERT INTO dogs_dog VALUES (1), (2);"
            "CREATE TABLE dogs_leash (id int);"
            "CREATE FUNCTION dogs_bark() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        )
    MigrationRecorder(connection).record_applied("dogs", "0001_initial")
    MigrationRecorder(connection).record_applied("dogs2", "0001_initial")
    for label in ("dogs", "dogs2"):
        ContentType.objects.create(app_label=label, model="dog")
        DeadTask.objects.create(task_id="1", name=f"apps.{label}.tasks.feed", error="")
        every, _ = IntervalSchedule.objects.get_or_create(every=1, period="days")
        for name in (f"{label}.feed", f"more {label}"):
            PeriodicTask.objects.create(name=name, task=f"apps.{label}.tasks.feed", interval=every)
            DeclaredSchedule.objects.create(name=name)
        OutboxEvent.objects.create(name=f"{label}.fed")
        dead = DeadTask.objects.get(name=f"apps.{label}.tasks.feed")
        OutboxEvent.objects.create(name="common.task_replayed", payload={"dead_task_id": str(dead.pk)})
    Role.objects.filter(code="moderator").update(
        permissions=["dogs.walk", "dogs2.walk"], offered=["dogs2.walk", "dogs.walk"]
    )
    scopes = ["api:internal:v1:dogs:list", "api:internal:v1:dogs2:list", "*"]
    ServiceKey.objects.create(name="one", prefix="one", digest=b"", scopes=scopes)


def left() -> dict[str, Any]:
    moderator = Role.objects.get(code="moderator")
    return {
        "schedules": set(PeriodicTask.objects.values_list("name", flat=True)),
        "declared": set(DeclaredSchedule.objects.values_list("name", flat=True)),
        "dead": [row.name for row in DeadTask.objects.all()],
        "replayed": OutboxEvent.objects.filter(name="common.task_replayed").count(),
        "events": set(OutboxEvent.objects.filter(name__endswith=".fed").values_list("name", flat=True)),
        "roles": (moderator.permissions, moderator.offered),
        "scopes": ServiceKey.objects.get().scopes,
        "types": set(
            ContentType.objects.filter(app_label__startswith="dogs").values_list("app_label", flat=True)
        ),
        "migrations": {app for app, _ in MigrationRecorder(connection).applied_migrations() if "dogs" in app},
        "tables": {name for name in connection.introspection.table_names() if name.startswith("dogs")},
        "later": {
            (row.name, *row.payload.values())
            for row in OutboxEvent.objects.filter(name__startswith="removed.")
        },
    }


OTHERS = {
    "schedules": {"dogs2.feed", "more dogs2"},
    "declared": {"dogs2.feed", "more dogs2"},
    "dead": ["apps.dogs2.tasks.feed"],
    "replayed": 1,
    "events": {"dogs2.fed"},
    "roles": (["dogs2.walk"], ["dogs2.walk"]),
    "scopes": ["api:internal:v1:dogs2:list", "*"],
}


@pytest.mark.usefixtures("_used")
def test_a_removed_slice_leaves_nothing_and_others_keep_theirs() -> None:
    operations.carry_out(REMOVE)
    assert left() == OTHERS | {
        "types": {"dogs2"},
        "migrations": {"dogs2"},
        "tables": {"dogs_leash"},
        "later": {("removed.slice_removed", "dogs"), ("removed.folder_left", "dogs")},
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_proc WHERE proname = 'dogs_bark'")
        assert cursor.fetchone() == (0,)


@pytest.mark.usefixtures("_used")
def test_kept_tables_stay_with_their_migrations() -> None:
    operations.carry_out(KEEP)
    assert left() == OTHERS | {
        "types": {"dogs", "dogs2"},
        "migrations": {"dogs", "dogs2"},
        "tables": {"dogs_dog", "dogs_leash"},
        "later": {("removed.slice_removed", "dogs")},
    }


@pytest.mark.parametrize("operation", [REMOVE, KEEP])
def test_a_database_that_never_had_the_slice_stays_as_it_is(operation: KeepTables) -> None:
    with connection.schema_editor() as editor:
        operation.database_forwards("removed", editor, ProjectState(), ProjectState())
    assert not OutboxEvent.objects.exists()
    operations.carry_out(operation)
    assert not OutboxEvent.objects.exists()


@pytest.mark.usefixtures("_used")
def test_the_plan_of_a_deployment_tells_what_is_lost() -> None:
    migration = type("Next", (migrations.Migration,), {"operations": [REMOVE, KEEP]})(
        "0001_drop_dogs", "removed"
    )
    ((_, found),) = migration_risks.findings([(migration, False)], ProjectState())
    assert [(one.text, one.breaks) for one in found] == [
        ("Drop dogs_dog of dogs, with 2 rows: a running release that still has dogs uses them", True),
        ("Take out schedules, grants, events and dead tasks of dogs, and keep its tables", False),
    ]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE dogs_dog")
    assert list(REMOVE.risks(connection)) == []


def test_many_rows_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_COUNTED", 2)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE dogs_dog (id int); INSERT INTO dogs_dog VALUES (1), (2), (3)")
    (found,) = REMOVE.risks(connection)
    assert "with at least 2 rows" in found.text


def test_only_a_slice_that_is_here_again_waits_for_the_removal() -> None:
    assert operations.before("dogs") == []
    assert operations.before("users") == [("users", "__first__")]


def test_statements_can_be_read_before_they_run() -> None:
    with connection.schema_editor(collect_sql=True) as editor:
        REMOVE.database_forwards("removed", editor, ProjectState(), ProjectState())
    statements = "\n".join(editor.collected_sql)
    assert "DELETE FROM common_deadtask WHERE starts_with(name, 'apps.dogs.');" in statements
    assert 'DROP TABLE IF EXISTS "dogs_dog" CASCADE;' in statements


def test_no_model_is_missing_a_migration() -> None:
    """The operations change no state: `makemigrations` finds nothing."""
    state = ProjectState()
    REMOVE.state_forwards("removed", state)
    assert state.models == {}
    said = io.StringIO()
    call_command("makemigrations", "--check", "--dry-run", "removed", stdout=said)
    assert "No changes detected" in said.getvalue()


def test_a_slice_that_is_here_looks_after_its_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(None, name, False) for name in ("users",)]
    monkeypatch.setattr(tables, "iter_modules", lambda _: found)
    assert tables.register() == {}
