"""Finds risks of pending migrations for the release that runs while they are applied.

A risk is an operation that removes or forbids something that the running code uses, or that locks a large table for long.
Operations on tables of the same plan have none. RunPython and RunSQL cannot be checked and are listed for review. An operation
with a method `risks(connection)` tells its findings itself.
"""

from __future__ import annotations

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

_HARMLESS = (AddConstraintNotValid, AddIndexConcurrently, RemoveIndexConcurrently)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A remark about an operation. `breaks`: the running release may fail."""

    text: str
    breaks: bool


def findings(
    plan: Sequence[tuple[migrations.Migration, bool]], state: ProjectState
) -> Iterator[tuple[migrations.Migration, list[Finding]]]:
    """Each migration of the plan with its findings. Changes `state`, which is that of the database."""
    created: set[tuple[str, str]] = set()
    for migration, _ in plan:
        found: list[Finding] = []
        for operation in migration.operations:
            for change in _on_the_database(operation):
                if isinstance(change, migrations.CreateModel):
                    created.add((migration.app_label, change.name_lower))
                found += (
                    change.risks(connection)
                    if hasattr(change, "risks")
                    else _judge(change, migration.app_label, state, created)
                )
            operation.state_forwards(migration.app_label, state)
        yield migration, found


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
        field = operation.field
        if not (_is_filled_by_the_database(field) or field.many_to_many or field.null):
            yield Finding(
                text=f"{text}: the running release inserts rows without it; give it db_default, or null=True",
                breaks=True,
            )
    elif isinstance(operation, migrations.AlterField):
        old = state.models[app, model].fields[operation.name]
        if old.null and not operation.field.null:
            yield Finding(
                text=f"{text}: NULL, which the running release may write, is forbidden", breaks=True
            )
        if old.db_type(connection) != operation.field.db_type(connection):
            yield Finding(text=f"{text}: another type, for which the table may be rewritten", breaks=True)
    elif isinstance(operation, migrations.AddIndex):
        yield Finding(text=f"{text}: locks the table against writes; use AddIndexConcurrently", breaks=True)
    elif isinstance(operation, (migrations.AddConstraint, migrations.AlterUniqueTogether)):
        yield Finding(
            text=f"{text}: checks every row under a lock, and refuses rows of the running release",
            breaks=True,
        )
