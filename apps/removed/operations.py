"""Migration operations that take out what a removed slice left in the database.

    operations = [RemoveSlice("orders", tables=["orders_order"], schedules=["orders.remind"])]

The statements read nothing, so `manage.py sqlmigrate` shows them as they run. On a database that never had the slice, they
change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

import orjson
from django.apps import apps
from django.db import connection
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.recorder import MigrationRecorder

from apps.common import events
from apps.common.database.migration_risks import Finding
from apps.removed.events import FolderLeft, SliceRemoved

# The tables that the statements below need. Each migration of this app depends on them.
DEPENDENCIES: list[tuple[str, str]] = [
    ("admin", "0003_logentry_add_action_flag_choices"),
    ("api", "0001_initial"),
    ("auth", "0012_alter_user_first_name_max_length"),
    ("common", "0004_declared_schedule"),
    ("contenttypes", "0002_remove_content_type_name"),
    ("django_celery_beat", "0019_alter_periodictasks_options"),
    ("users", "0005_roles"),
]


_COUNTED: Final = 10_000


def before(label: str) -> list[tuple[str, str]]:
    """The `run_before` of a migration that drops tables: a later slice of the same name makes its own after that."""
    return [(label, "__first__")] if apps.is_installed(f"apps.{label}") else []


def carry_out(operation: KeepTables) -> None:
    """Run an operation without a migration, on a database that has the slice."""
    if any(app == operation.label for app, _ in MigrationRecorder(connection).applied_migrations()):
        with connection.schema_editor() as editor:
            operation.database_forwards("removed", editor, None, None)


class KeepTables(Operation):
    """Takes out the slice's schedules, grants, pending events and dead tasks. Its tables stay, as do its applied migrations."""

    reversible = True
    reduces_to_sql = True
    category = OperationCategory.SQL
    serialization_expand_args: ClassVar[list[str]] = []

    def __init__(
        self,
        label: str,
        *,
        permissions: Sequence[str] = (),
        schedules: Sequence[str] = (),
        events: Sequence[str] = (),
    ) -> None:
        self.label = label
        self.permissions, self.schedules, self.events = list(permissions), list(schedules), list(events)

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Does nothing: the models went with the slice."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement, parameters in self.statements():
            schema_editor.execute(statement, parameters)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Does nothing: rows that are gone do not come back."""

    def later(self) -> list[events.Event]:
        """Further events to publish."""
        return []

    def describe(self) -> str:
        return f"Take out schedules, grants, events and dead tasks of {self.label}, and keep its tables"

    def risks(self, connection: Any) -> Iterator[Finding]:
        """The findings of `prepare --plan`."""
        yield Finding(text=self.describe(), breaks=False)

    def statements(self) -> Iterator[tuple[str, list[Any]]]:
        """SQL with its parameters."""
        tasks = f"apps.{self.label}."
        for event in (SliceRemoved(label=self.label), *self.later()):
            # Only where the slice was. Later, when the release that knows the event runs.
            yield (
                (
                    "INSERT INTO common_outboxevent"
                    " (id, name, payload, request_id, created_at, due_at, attempts, handled, last_error)"
                    " SELECT gen_random_uuid(), %s, %s::jsonb, '', now(), now() + interval '10 minutes', 0, '[]', ''"
                    " WHERE EXISTS (SELECT FROM django_migrations WHERE app = %s)"
                ),
                [event.name, orjson.dumps(events.encode(event)).decode(), self.label],
            )
        yield (
            (
                "DELETE FROM common_declaredschedule WHERE name = ANY(%s) OR name IN"
                " (SELECT name FROM django_celery_beat_periodictask WHERE starts_with(task, %s))"
            ),
            [self.schedules, tasks],
        )
        yield (
            "DELETE FROM django_celery_beat_periodictask WHERE name = ANY(%s) OR starts_with(task, %s)",
            [self.schedules, tasks],
        )
        yield (
            "UPDATE django_celery_beat_periodictasks SET last_update = now()",
            [],
        )  # a running beat reads again
        yield (
            (
                "DELETE FROM common_outboxevent WHERE name = ANY(%s) OR name = 'common.task_replayed' AND payload->>'dead_task_id'"
                " IN (SELECT id::text FROM common_deadtask WHERE starts_with(name, %s))"
            ),
            [self.events, tasks],
        )
        yield "DELETE FROM common_deadtask WHERE starts_with(name, %s)", [tasks]
        yield (
            (
                "UPDATE users_role SET updated_at = now(),"
                " permissions = ARRAY(SELECT one FROM unnest(permissions) AS one WHERE one <> ALL(%s)),"
                " offered = ARRAY(SELECT one FROM unnest(offered) AS one WHERE one <> ALL(%s))"
                " WHERE permissions::text[] && %s::text[] OR offered::text[] && %s::text[]"
            ),
            [self.permissions] * 4,
        )
        route = f"^api:[^:]+:[^:]+:{self.label}:"
        yield (
            (
                "UPDATE api_servicekey SET scopes = ARRAY(SELECT one FROM unnest(scopes) AS one WHERE one !~ %s)"
                " WHERE EXISTS (SELECT FROM unnest(scopes) AS one WHERE one ~ %s)"
            ),
            [route, route],
        )


class RemoveSlice(KeepTables):
    """The same, and drops the slice's tables and functions, its content types and the record of its migrations."""

    def __init__(
        self,
        label: str,
        *,
        tables: Sequence[str] = (),
        functions: Sequence[str] = (),
        folders: Sequence[str] = (),
        permissions: Sequence[str] = (),
        schedules: Sequence[str] = (),
        events: Sequence[str] = (),
    ) -> None:
        super().__init__(label, permissions=permissions, schedules=schedules, events=events)
        self.tables, self.functions, self.folders = list(tables), list(functions), list(folders)

    def describe(self) -> str:
        return f"Drop {', '.join(self.tables) or 'what is left'} of {self.label}"

    def risks(self, connection: Any) -> Iterator[Finding]:
        """A release that still has the slice fails without its tables; on a database without them there is no risk."""
        with connection.cursor() as cursor:
            found = sorted({*connection.introspection.table_names(cursor)} & {*self.tables})
            counts = []
            for table in found:
                cursor.execute(f'SELECT count(*) FROM (SELECT FROM "{table}" LIMIT {_COUNTED}) AS row')
                counts.append(cursor.fetchone()[0])
        if found:
            least = "at least " * (max(counts) == _COUNTED)
            yield Finding(
                text=f"Drop {', '.join(found)} of {self.label}, with {least}{sum(counts):,} rows:"
                f" a running release that still has {self.label} uses them",
                breaks=True,
            )

    def later(self) -> list[events.Event]:
        """Folders of private files, which a task deletes."""
        return [FolderLeft(folder=folder) for folder in self.folders]

    def statements(self) -> Iterator[tuple[str, list[Any]]]:
        yield from super().statements()
        types = "(SELECT id FROM django_content_type WHERE app_label = %s)"
        permissions = f"(SELECT id FROM auth_permission WHERE content_type_id IN {types})"
        yield f"DELETE FROM auth_group_permissions WHERE permission_id IN {permissions}", [self.label]
        yield f"DELETE FROM auth_permission WHERE content_type_id IN {types}", [self.label]
        yield (
            f"UPDATE django_admin_log SET content_type_id = NULL WHERE content_type_id IN {types}",
            [self.label],
        )
        yield "DELETE FROM django_content_type WHERE app_label = %s", [self.label]
        for table in self.tables:
            yield f'DROP TABLE IF EXISTS "{table}" CASCADE', []
        for function in self.functions:
            yield f'DROP FUNCTION IF EXISTS "{function}"', []
        yield "DELETE FROM django_migrations WHERE app = %s", [self.label]
