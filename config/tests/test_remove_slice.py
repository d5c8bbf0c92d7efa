"""`make remove-slice` on a copy of the project, with a database that has run with the slice."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from scripts import removal, removal_test

pytestmark = pytest.mark.campaign

# A slice with what databases know of slices: tables, of which one goes with the other, a function, files, a permission,
# a schedule and an event.
FILES = {
    "__init__.py": '"""Loans of users."""\n',
    "apps.py": '''
"""Registers the app."""

from django.apps import AppConfig


class LoansConfig(AppConfig):
    name = "apps.loans"
    label = "loans"
    needs = ("users",)
''',
    "models.py": '''
"""Loans and their comments."""

from __future__ import annotations

from django.db import models

from apps.common.models import BaseModel


class Loan(BaseModel):
    owner = models.ForeignKey("users.User", on_delete=models.CASCADE, related_name="+")
    helper = models.ForeignKey("users.User", on_delete=models.SET_NULL, null=True, related_name="+")
    about_id = models.UUIDField(null=True)
    text = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2, default="1.50")
    file = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return str(self.pk)


class Comment(BaseModel):
    loan = models.ForeignKey(Loan, on_delete=models.CASCADE, related_name="comments")
    text = models.CharField(max_length=100)

    def __str__(self) -> str:
        return str(self.pk)
''',
    "types.py": '''
"""Permissions."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    ANSWER = "loans.answer"


DEFAULT_GRANTS: Final = {"moderator": {Permission.ANSWER}}
FOLDER: Final = "loans"
''',
    "events.py": '''
"""Events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from apps.common.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanClosed(Event):
    name: ClassVar[str] = "loans.closed"
    loan_id: UUID
''',
    "tasks.py": '''
"""Tasks."""

from __future__ import annotations

from typing import Any

from celery import shared_task

SCHEDULE: dict[str, dict[str, Any]] = {"loans.remind": {"task": "apps.loans.tasks.remind", "schedule": 60.0}}


@shared_task()
def remind() -> None:
    """Remind."""
''',
    "urls.py": '''
"""Routes of the slice by zone."""

from __future__ import annotations

from django.urls import path
from rest_framework import serializers

from apps.common.http.operation import ApiRequest, View, operation
from apps.loans.models import Loan


class LoansView(View, tag="loans"):
    class LoanOutput(serializers.Serializer[Loan]):
        """A loan."""

        text = serializers.CharField()

    @operation("loans_newest", "The newest loan", answers={200: LoanOutput})
    def get(self, request: ApiRequest) -> Loan:
        return Loan(text="newest")


zones = {"private": [path("loans/", LoansView.as_view(), name="loans")]}
''',
    "migrations/__init__.py": "",
    "migrations/0002_count.py": '''
"""Count comments in the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("loans", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE FUNCTION loans_count() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM loans_comment'",
            "DROP FUNCTION loans_count()",
        )
    ]
''',
}
LINE = '    "loans": ("private",),\n'
ROW = "| `apps/loans/` | loans of users |\n"

# Ada has a loan with a comment and a file, and is the helper of Grace's; a third loan is about her.
FILL = """
from apps.users.models import User
from apps.loans.models import Comment, Loan
ada, grace = User.objects.get(email="ada@example.com"), User.objects.get(email="grace@example.com")
mine = Loan.objects.create(owner=ada, text="mine", file="loans/ada")
other = Loan.objects.create(owner=grace, helper=ada, text="other", file="loans/grace")
Loan.objects.create(owner=grace, about_id=ada.pk, text="about")
Comment.objects.create(loan=mine, text="on mine")
Comment.objects.create(loan=other, text="on other")
"""
UPLOAD = """
from django.core.files.base import ContentFile
from infrastructure.storage import store
for name in ("ada", "grace"):
    store.delete("private", f"loans/{name}")
    store.save("private", f"loans/{name}", ContentFile(b"hers"))
"""
EXPORT = """
import json
from apps.common import data_export
from apps.users.models import User
print(b"".join(data_export.stream(User.objects.get(email="ada@example.com").pk)).decode())
"""
ERASE = """
from apps.common import events
from apps.users.events import UserErased
from apps.users.models import User
event = UserErased(user_id=User.objects.get(email="ada@example.com").pk)
for handler in events.handlers_of(event.name).values():
    handler.task.run(**handler.arguments(event, event_id=event.user_id))
"""


class Project:
    """A copy of the project in git, with the slice and a database that has run with it."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder, self.server = folder, server
        # The copy is not this project: its lines do not count.
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
        } | {"DJANGO_SETTINGS_MODULE": "config.settings.test", "DATA_DIR": str(folder / ".data")}
        self.databases: list[str] = []

    def database(self, template: str = "template1") -> str:
        """The name of a new database."""
        name = f"removal_{uuid4().hex}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
        with psycopg.connect(self.server, autocommit=True) as server:
            server.execute(statement)
        self.databases.append(name)
        return name

    def url(self, database: str) -> str:
        return f"{self.server.rpartition('/')[0]}/{database}"

    def run(self, *command: str, database: str = "none", status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment | {"DATABASE_URL": self.url(database)},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def shell(self, code: str, database: str) -> str:
        return self.run("-c", f"import django; django.setup()\n{code}", database=database)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def add_slice(self) -> None:
        """Write the slice, its line and its row."""
        for name, text in FILES.items():
            path = self.folder / "apps" / "loans" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.lstrip(), encoding="utf-8")
        for name, anchor, line in (
            ("config/zones.py", '    "users": (', LINE),
            ("docs/architecture.md", "| `apps/users/` |", ROW),
        ):
            path = self.folder / name
            text = path.read_text(encoding="utf-8")
            assert text.count(anchor) == 1, name
            path.write_text(text.replace(anchor, line + anchor), encoding="utf-8")
        (self.folder / "apps/loans/migrations/0002_count.py").unlink()
        self.run("manage.py", "makemigrations", "loans", "--name", "initial")
        count = self.folder / "apps/loans/migrations/0002_count.py"
        count.write_text(FILES["migrations/0002_count.py"].lstrip(), encoding="utf-8")
        removal.Rest(self.folder).regenerate()

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def rows(self, database: str, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url(database)) as connection:
            return connection.execute(query).fetchall()

    def remove(self, *options: str, database: str = "none", status: int = 0) -> str:
        return self.run("scripts/remove_slice.py", "loans", *options, database=database, status=status)

    def check(self, database: str) -> None:
        """Nothing is left of the slice."""
        self.run("scripts/used_database.py", "check", "loans", database=database)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str, str, str]]:
    """The project, its commits without and with the slice, and a database that has run with it."""
    project = Project(tmp_path_factory.mktemp("project"), os.environ["DATABASE_URL"])
    # Without the console, whose client needs generators from a package index.
    removal_test.copy_without(["console"] if (removal.ROOT / "apps/console").is_dir() else [], project.folder)
    removal.Rest(project.folder).regenerate()
    without = project.commit("Without loans")
    project.add_slice()
    with_it = project.commit("With loans")
    used = project.database()
    project.run("scripts/used_database.py", "fill", database=used)
    project.shell(FILL, used)
    yield project, without, with_it, used
    for name in project.databases:
        with psycopg.connect(project.server, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def project(made: tuple[Project, str, str, str]) -> Project:
    """The project with the slice, as it was committed."""
    project, _, with_it, _ = made
    project.git("reset", "--quiet", "--hard", with_it)
    project.git("clean", "--quiet", "-d", "--force")
    return project


@pytest.fixture
def used(made: tuple[Project, str, str, str], project: Project) -> str:
    """A copy of the database that has run with the slice."""
    return project.database(made[3])


def test_it_shows_its_plan_and_refuses_what_cannot_be(project: Project) -> None:
    said = project.remove(status=2)
    assert "  tables and their rows: loans_loan, loans_comment\n" in said
    assert "  functions: loans_count\n" in said
    assert "  private files, by a task ten minutes later: loans\n" in said
    assert "  schedules, and others of its tasks: loans.remind\n" in said
    assert "  permissions in roles: loans.answer\n" in said
    assert "  events that are pending or dead: loans.closed\n" in said
    assert said.endswith("nothing was done: say YES=1 to go on\n")
    (project.folder / "notes.txt").touch()
    assert "commit or stash your changes first" in project.remove("--yes", status=2)
    (project.folder / "notes.txt").unlink()
    for name, reason in (
        ("users", "users is not for removal: every product needs it"),
        ("loan", "there is no slice loan: "),
        ("../apps", "there is no slice ../apps: "),
    ):
        assert reason in project.run("scripts/remove_slice.py", name, "--yes", status=2)
    config = project.folder / "apps/audit/apps.py"
    if config.exists():
        config.write_text(
            config.read_text().replace('    label = "audit"', '    label = "audit"\n    needs = ("loans",)')
        )
        assert "audit needs loans: remove audit first" in project.remove("--yes", "--dirty", status=2)
    project.git("checkout", "--quiet", ".")
    users = project.folder / "apps/users/selectors/__init__.py"
    users.write_text(f"{users.read_text()}\nfrom apps.loans import events as events\n")
    assert "apps/users/selectors/__init__.py imports apps.loans" in project.remove(
        "--yes", "--dirty", status=2
    )
    project.git("checkout", "--quiet", ".")
    assert project.git("status", "--porcelain") == ""


def test_a_database_that_has_run_with_it_keeps_nothing_and_it_can_come_back(
    project: Project, made: tuple[Project, str, str, str], used: str
) -> None:
    _, without, with_it, _ = made
    project.remove("--yes")
    project.commit("Remove loans")
    # What differs from a tree that never had it is the migration.
    (path,) = project.git("diff", "--name-only", without).split()
    assert re.fullmatch(r"apps/removed/migrations/0001_drop_loans_\d{8}_\d{6}\.py", path)
    plan = project.run("manage.py", "prepare", "--plan", database=used, status=3)
    assert "  ! Drop loans_comment, loans_loan of loans, with 5 rows: a running release" in plan
    granted = "SELECT 'loans.answer' = ANY(permissions) FROM users_role WHERE code = 'moderator'"
    assert project.rows(used, granted) == [(True,)]
    project.run("manage.py", "prepare", database=used)
    project.shell(UPLOAD, used)
    fresh = project.database()
    assert (
        "!" not in project.run("manage.py", "prepare", "--plan", database=fresh).partition("removed.0001")[2]
    )
    project.run("manage.py", "prepare", database=fresh)
    for database in (used, fresh):
        project.check(database)
    assert list((project.folder / ".data").rglob("loans/*")) == []
    assert project.rows(fresh, "SELECT count(*) FROM common_outboxevent") == [(0,)]
    # The same slice again: new in both, and in a database that begins with this release.
    project.git("checkout", "--quiet", with_it, "--", "apps/loans", "config/zones.py")
    for database in (used, fresh, project.database()):
        project.run("manage.py", "prepare", database=database)
        assert project.rows(database, "SELECT count(*), loans_count() FROM loans_loan") == [(0, 0)]
        assert project.rows(database, granted) == [(True,)]
    # A database that missed the release without it takes the old migrations for the new ones, and is refused.
    missed = project.database(made[3])
    assert "InconsistentMigrationHistory" in project.run("manage.py", "prepare", database=missed, status=1)
    assert project.rows(missed, "SELECT count(*) FROM loans_loan") == [(3,)]


def test_a_removal_that_was_reverted_can_be_done_again(project: Project, used: str) -> None:
    for _ in range(2):
        project.remove("--yes")
        project.commit("Remove loans")
        project.run("manage.py", "prepare", database=used)
        project.check(used)
        project.git("revert", "--no-edit", "HEAD")
        project.run("manage.py", "prepare", database=used)
        assert project.rows(used, "SELECT count(*) FROM loans_loan") == [(0,)]


def test_kept_tables_are_exported_and_erased_until_they_are_dropped(project: Project, used: str) -> None:
    project.remove("--yes", "--keep-tables")
    project.commit("Remove loans")
    assert "!" not in project.run("manage.py", "prepare", "--plan", database=used)
    project.run("manage.py", "prepare", database=used)
    project.shell(UPLOAD, used)
    exported = json.loads(project.shell(EXPORT, used))["loans"]
    assert [(row["text"], row["price"], row["file"]) for row in exported["loans_loan"]] == [
        ("mine", 1.5, "loans/ada")
    ]
    assert [row["text"] for row in exported["loans_comment"]] == ["on mine"]
    for _ in range(2):
        project.shell(ERASE, used)
        assert project.rows(used, "SELECT text, helper_id FROM loans_loan") == [("other", None)]
        assert project.rows(used, "SELECT text FROM loans_comment") == [("on other",)]
    assert [path.name for path in (project.folder / ".data").rglob("loans/*")] == ["grace"]
    # A database without the tables has nothing to export or to erase.
    fresh = project.database()
    project.run("manage.py", "prepare", "--demo", database=fresh)
    assert json.loads(project.shell(EXPORT, fresh))["loans"] == {}
    project.shell(ERASE, fresh)

    assert "the tables of loans are kept already" in project.remove("--keep-tables", "--yes", status=2)
    project.remove("--yes")
    project.commit("Drop the tables of loans")
    for database in (used, fresh):
        project.run("manage.py", "prepare", database=database)
        project.check(database)
    assert "loans" not in json.loads(project.shell(EXPORT, fresh))


def test_a_slice_that_no_release_had_leaves_the_tree_as_it_was(
    project: Project, made: tuple[Project, str, str, str], used: str
) -> None:
    _, without, _, _ = made
    assert "No migration." in project.remove("--yes", "--no-migration", database=used)
    project.check(used)
    assert project.git("diff", "--stat", without) == ""
    assert project.git("ls-files", "--others", "--exclude-standard") == ""
    # Not even committed: nobody can have deployed it.
    project.git("reset", "--quiet", "--hard", without)
    project.add_slice()
    project.remove("--yes", "--dirty", database=project.database())
    assert project.git("status", "--porcelain") == ""
