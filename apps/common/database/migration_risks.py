"""Finds risks of pending migrations for the release that runs while they are applied.

A risk is an operation that removes or forbids something that the running code uses, or that locks a large table for long.
Operations on tables of the same plan have none. RunPython and RunSQL cannot be checked and are listed for review. An operation
with a method `risks(connection)` tells its findings itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import connection, migrations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, GeneratedField

_BUILDS = "builds an index under a lock; leave it out of the field, and use AddIndexConcurrently"
_SQL = {
    r"\block_timeout\b": "changes the lock timeout, so that a waiting statement blocks all later ones",
    r"\bcreate\s+(unique\s+)?index\s+(?!concurrently\b)": "locks the table against writes; use CONCURRENTLY",
    r"\b(drop|rename)\s+(table|column)\b|\brename\s+to\b": "removes what the running release still uses",
    r"\bset\s+not\s+null\b": "reads every row under a lock; add a constraint NOT VALID, and validate it later",
    r"\block\s+table\b|\bvacuum\s+full\b|\bcluster\b": "locks the table",
}
_HARMLESS = (AddConstraintNotValid, AddIndexConcurrently, RemoveIndexConcurrently)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A remark about an operation. `breaks`: the running release may fail."""

    text: str
    breaks: bool


def findings(
    plan: Sequence[tuple[migrations.Migration, bool]], state: ProjectState, *, is_connected: bool = True
) -> Iterator[tuple[migrations.Migration, list[Finding]]]:
    """Each migration of the plan with its findings. Changes `state`, which is that of the database.

    Operations with risks that depend on a database's rows have none unless `is_connected`.
    """
    created: set[tuple[str, str]] = set()
    for migration, _ in plan:
        found: list[Finding] = []
        for operation in migration.operations:
            for change in _on_the_database(operation):
                if isinstance(change, migrations.CreateModel):
                    created.add((migration.app_label, change.name_lower))
                if not hasattr(change, "risks"):
                    found += _judge(change, migration.app_label, state, created)
                elif is_connected:
                    found += change.risks(connection)
            operation.state_forwards(migration.app_label, state)
        if reason := getattr(migration, "accepted", ""):
            found = [Finding(text=f"{one.text} (accepted: {reason})", breaks=False) for one in found]
        yield migration, found


def _makes_index(field: Any) -> bool:
    return bool(field.db_index or field.unique)


def _judge_sql(sql: str) -> Iterator[Finding]:
    for pattern, text in _SQL.items():
        if re.search(pattern, sql, re.IGNORECASE):
            yield Finding(text=f"RunSQL: {text}", breaks=True)


def _is_filled_by_the_database(field: Any) -> bool:
    return field.db_default is not NOT_PROVIDED or isinstance(field, GeneratedField)


def _on_the_database(operation: Operation) -> Iterator[Operation]:
    """The operations on the database, without those on the state alone, which have no risk."""
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        for inner in operation.database_operations:
            yield from _on_the_database(inner)
    else:
        yield operation


def _judge(operation: Any, app: str, state: ProjectState, created: set[tuple[str, str]]) -> Iterator[Finding]:
    if isinstance(operation, _HARMLESS):
        return
    if isinstance(operation, migrations.RunSQL):
        yield from _judge_sql(str(operation.sql))
    if isinstance(operation, (migrations.RunPython, migrations.RunSQL)):
        yield Finding(
            text=f"{type(operation).__name__}: read what it does to the running release", breaks=False
        )
        return
    model = getattr(operation, "model_name_lower", getattr(operation, "name_lower", ""))
    if (app, model) in created:
        return
    text = operation.describe()
    if isinstance(
        operation,
        (
            migrations.DeleteModel,
            migrations.RemoveField,
            migrations.RenameField,
            migrations.RenameModel,
            migrations.AlterModelTable,
        ),
    ):
        yield Finding(text=f"{text}: the running release still uses it", breaks=True)
    elif isinstance(operation, migrations.AddField):
        yield from _judge_new_column(operation.field, text)
    elif isinstance(operation, migrations.AlterField):
        old = state.models[app, model].fields[operation.name]
        yield from _judge_column(old, operation.field, text)
    elif isinstance(operation, migrations.AddIndex):
        yield Finding(text=f"{text}: locks the table against writes; use AddIndexConcurrently", breaks=True)
    elif isinstance(operation, (migrations.AddConstraint, migrations.AlterUniqueTogether)):
        yield Finding(
            text=f"{text}: checks every row under a lock, and refuses rows of the running release",
            breaks=True,
        )


def _judge_new_column(field: Any, text: str) -> Iterator[Finding]:
    if not (_is_filled_by_the_database(field) or field.many_to_many or field.null):
        yield Finding(
            text=f"{text}: the running release inserts rows without it; give it db_default, or null=True",
            breaks=True,
        )
    if isinstance(field, GeneratedField):
        yield Finding(text=f"{text}: rewrites the table under a lock", breaks=True)
    if not field.many_to_many and _makes_index(field):
        yield Finding(text=f"{text}: {_BUILDS}", breaks=True)


def _judge_column(old: Any, new: Any, text: str) -> Iterator[Finding]:
    if _makes_index(new) and not _makes_index(old):
        yield Finding(text=f"{text}: {_BUILDS}", breaks=True)
    if old.null and not new.null:
        yield Finding(text=f"{text}: NULL, which the running release may write, is forbidden", breaks=True)
    if old.db_type(connection) != new.db_type(connection):
        yield Finding(text=f"{text}: another type, for which the table may be rewritten", breaks=True)
