"""Operations of migrations that may break the running release."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.core.management import call_command
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from apps.common.database import migration_risks


def _findings(*operations: Operation) -> list[tuple[str, bool]]:
    state = ProjectState()
    fields: list[tuple[str, Any]] = [
        ("id", models.BigAutoField(primary_key=True)),
        ("code", models.CharField(max_length=10, null=True)),
    ]
    state.add_model(ModelState("shop", "Order", fields))
    migration = type("Next", (migrations.Migration,), {"operations": operations})("0002_next", "shop")
    ((_, found),) = migration_risks.findings([(migration, False)], state)
    return [(finding.text, finding.breaks) for finding in found]


_CODES = models.Index(fields=["code"], name="codes")
_SHORT = models.CheckConstraint(condition=models.Q(code__lt="m"), name="short")


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (
            migrations.RemoveField("Order", "code"),
            "Remove field code from Order: the running release still uses it",
        ),
        (migrations.DeleteModel("Order"), "Delete model Order: the running release still uses it"),
        (
            migrations.RenameField("Order", "code", "number"),
            "Rename field code on Order to number: the running release still uses it",
        ),
        (
            migrations.AddField("Order", "total", models.IntegerField(default=0)),
            "Add field total to Order: the running release inserts rows without it; give it db_default, or null=True",
        ),
        (
            migrations.AlterField("Order", "code", models.CharField(max_length=10)),
            "Alter field code on Order: NULL, which the running release may write, is forbidden",
        ),
        (
            migrations.AlterField("Order", "code", models.TextField(null=True)),
            "Alter field code on Order: another type, for which the table may be rewritten",
        ),
        (
            migrations.AddIndex("Order", _CODES),
            "Create index codes on field(s) code of model Order: locks the table against writes; use AddIndexConcurrently",
        ),
        (
            migrations.AddConstraint("Order", _SHORT),
            "Create constraint short on model Order: checks every row under a lock, and refuses rows of the running release",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_operations_that_may_break_the_running_release(operation: Operation, text: str) -> None:
    assert _findings(operation) == [(text, True)]


@pytest.mark.parametrize(
    "operations",
    [
        [migrations.AddField("Order", "note", models.TextField(null=True))],
        [migrations.AddField("Order", "total", models.IntegerField(db_default=0))],
        [AddIndexConcurrently("Order", _CODES)],
        [AddConstraintNotValid("Order", _SHORT)],
        [migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("Order", "code")])],
        [
            migrations.CreateModel("Line", [("id", models.BigAutoField(primary_key=True))]),
            migrations.AddField("Line", "count", models.IntegerField(default=0)),
            migrations.AddIndex("Line", models.Index(fields=["count"], name="counts")),
        ],
    ],
)
def test_operations_without_a_risk(operations: Sequence[Operation]) -> None:
    assert _findings(*operations) == []


def test_code_and_sql_are_listed_for_review() -> None:
    state_only = migrations.SeparateDatabaseAndState(
        state_operations=[migrations.AddField("Order", "note", models.TextField(null=True))],
        database_operations=[migrations.RunSQL("SELECT 1")],
    )
    assert _findings(state_only) == [("RunSQL: read what it does to the running release", False)]


@pytest.mark.django_db
def test_an_up_to_date_database_has_no_plan() -> None:
    out = io.StringIO()
    call_command("prepare", plan=True, stdout=out)
    assert out.getvalue() == "none\n"
