"""Operations of migrations that may break the running release."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.core.management import call_command
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.functions import Lower

from apps.common.database import migration_risks, unreleased_migrations


def _findings(*operations: Operation, accepted: str = "") -> list[tuple[str, bool]]:
    state = ProjectState()
    fields: list[tuple[str, Any]] = [
        ("id", models.BigAutoField(primary_key=True)),
        ("code", models.CharField(max_length=10, null=True)),
    ]
    state.add_model(ModelState("shop", "Order", fields))
    migration = type("Next", (migrations.Migration,), {"operations": operations, "accepted": accepted})(
        "0002_next", "shop"
    )
    ((_, found),) = migration_risks.findings([(migration, False)], state)
    return [(finding.text, finding.breaks) for finding in found]


_CODES = models.Index(fields=["code"], name="codes")
_BUILDS = "builds an index under a lock; leave it out of the field, and use AddIndexConcurrently"
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
            migrations.AddField("Order", "number", models.IntegerField(null=True, unique=True)),
            f"Add field number to Order: {_BUILDS}",
        ),
        (
            migrations.AddField(
                "Order",
                "buyer",
                models.ForeignKey("shop.Order", null=True, on_delete=models.CASCADE, related_name="+"),
            ),
            f"Add field buyer to Order: {_BUILDS}",
        ),
        (
            migrations.AddField(
                "Order",
                "short",
                models.GeneratedField(
                    expression=Lower("code"), output_field=models.CharField(max_length=10), db_persist=True
                ),
            ),
            "Add field short to Order: rewrites the table under a lock",
        ),
        (
            migrations.AlterField("Order", "code", models.CharField(max_length=10, null=True, db_index=True)),
            f"Alter field code on Order: {_BUILDS}",
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


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        (
            "SET lock_timeout = 0",
            "changes the lock timeout, so that a waiting statement blocks all later ones",
        ),
        (
            "CREATE UNIQUE INDEX codes ON shop_order (code)",
            "locks the table against writes; use CONCURRENTLY",
        ),
        ("ALTER TABLE shop_order DROP COLUMN code", "removes what the running release still uses"),
        ("ALTER TABLE shop_order RENAME TO shop_orders", "removes what the running release still uses"),
        (
            "ALTER TABLE shop_order ALTER code SET NOT NULL",
            "reads every row under a lock; add a constraint NOT VALID, and validate it later",
        ),
        ("LOCK TABLE shop_order", "locks the table"),
    ],
)
def test_sql_that_may_break_the_running_release(sql: str, text: str) -> None:
    assert _findings(migrations.RunSQL(sql)) == [
        (f"RunSQL: {text}", True),
        ("RunSQL: read what it does to the running release", False),
    ]


def test_sql_that_locks_nothing_for_long_is_only_listed() -> None:
    sql = "CREATE INDEX CONCURRENTLY codes ON shop_order (code)"
    assert _findings(migrations.RunSQL(sql)) == [("RunSQL: read what it does to the running release", False)]


def test_a_risk_that_the_migration_accepts_breaks_nothing() -> None:
    assert _findings(migrations.RemoveField("Order", "code"), accepted="No release reads it.") == [
        (
            "Remove field code from Order: the running release still uses it (accepted: No release reads it.)",
            False,
        )
    ]


@pytest.fixture
def released(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository with a released migration of Django's sessions, in the folder of its migrations."""
    folder = tmp_path / "apps" / "planted_migrations"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "0001_initial.py").write_text(
        MIGRATION.format(
            dependencies=[],
            accepted="",
            operation="CreateModel('Order', [('id', models.BigAutoField(primary_key=True)), ('code', models.TextField())])",
        )
    )
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"], ["tag", "1.0.0"]):
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    monkeypatch.syspath_prepend(str(folder.parent))
    settings.MIGRATION_MODULES = {"sessions": "planted_migrations"}
    yield folder
    for name in [name for name in sys.modules if name.startswith("planted_migrations")]:
        del sys.modules[name]


MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = {dependencies}
    operations = [migrations.{operation}]
    accepted = {accepted!r}
"""


@pytest.mark.parametrize("accepted", ["", "No release reads it."])
def test_migrations_that_the_release_lacks_are_judged_without_a_database(
    released: Path, accepted: str
) -> None:
    root = released.parents[1]
    assert unreleased_migrations.last_release(root) == "1.0.0"
    assert list(unreleased_migrations.findings("1.0.0", root)) == []
    (released / "0002_drop.py").write_text(
        MIGRATION.format(
            dependencies=[("sessions", "0001_initial")],
            operation="RemoveField('Order', 'code')",
            accepted=accepted,
        )
    )
    ((migration, found),) = unreleased_migrations.findings("1.0.0", root)
    assert (migration.app_label, migration.name) == ("sessions", "0002_drop")
    assert [finding.breaks for finding in found] == [not accepted]


def test_the_check_fails_for_an_unreleased_migration_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    migration = migrations.Migration("0002_drop", "shop")
    finding = migration_risks.Finding(text="Remove field code", breaks=True)
    monkeypatch.setattr(unreleased_migrations, "findings", lambda _: iter([(migration, [finding])]))
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("prepare", unreleased=True, stdout=out)
    assert (ended.value.code, out.getvalue()) == (3, "shop.0002_drop\n  ! Remove field code\n")


@pytest.mark.django_db
def test_an_up_to_date_database_has_no_plan() -> None:
    out = io.StringIO()
    call_command("prepare", plan=True, stdout=out)
    assert out.getvalue() == "none\n"
