"""`manage.py prepare`, which `make run` and the migrate container run before anything else starts."""

from __future__ import annotations

import json
import threading
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import post_migrate, pre_migrate

from apps.common.management.commands import prepare
from apps.users.models import User

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("prepare", *arguments, stdout=said)
    return said.getvalue()


def test_without_pending_migrations_nothing_changes() -> None:
    assert run() == "The database is up to date.\n"
    assert User.objects.count() == 0


def test_demo_data_is_loaded_once_and_reported(tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    assert "The demo data is loaded." in run("--demo", "--summary", str(summary))
    counts = {model: model._default_manager.count() for model in apps.get_models()}
    told = json.loads(summary.read_text(encoding="utf-8"))
    assert [login["email"] for login in told["logins"]] == [
        "ada@example.com",
        "grace@example.com",
        "linus@example.com",
    ]
    assert told["service_key"].startswith("demo.")
    assert all(url.startswith("/") or "://" in url for _, url in told["urls"])
    run("--demo")
    assert {model: model._default_manager.count() for model in apps.get_models()} == counts


def test_pending_migrations_are_applied() -> None:
    executor = SimpleNamespace(
        loader=SimpleNamespace(graph=SimpleNamespace(leaf_nodes=list)),
        migration_plan=lambda _: ["one", "two"],
    )
    with (
        patch.object(prepare, "MigrationExecutor", return_value=executor),
        patch.object(prepare, "call_command") as migrate,
    ):
        assert run() == "Applying 2 migrations.\n"
    migrate.assert_called_once_with("migrate", interactive=False, verbosity=0)


def test_the_lock_is_given_back_after_a_failure() -> None:
    with (
        patch.object(prepare.Command, "_migrate", side_effect=ValueError("no")),
        pytest.raises(ValueError, match="no"),
    ):
        run()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_another_one_longer_than_a_request_would() -> None:
    locked, waited_for = threading.Event(), threading.Event()

    def migrate_elsewhere() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [prepare._LOCK])
                locked.set()
                # Released with its connection, after the other has waited four times as long as the session allows.
                waited_for.wait(timeout=10)
        finally:
            connection.close()

    other = threading.Thread(target=migrate_elsewhere)
    other.start()
    assert locked.wait(timeout=10)
    timer = threading.Timer(0.2, waited_for.set)
    timer.start()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 50; SET statement_timeout = 50")
    try:
        assert run() == "The database is up to date.\n"
        assert waited_for.is_set()
    finally:
        timer.cancel()
        waited_for.set()
        other.join(timeout=10)
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout; RESET statement_timeout")


def test_migrations_have_no_time_limit_and_requests_have() -> None:
    limits = []

    def note(**_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
            limits.append(cursor.fetchone())

    common = apps.get_app_config("common")
    for signal in (pre_migrate, post_migrate):
        signal.connect(note, sender=common)
    try:
        call_command("migrate", verbosity=0)
    finally:
        for signal in (pre_migrate, post_migrate):
            signal.disconnect(note, sender=common)
    assert limits == [("0", "3500ms"), ("15s", "3500ms")]


def test_slices_are_seeded_after_those_that_they_build_on() -> None:
    modules = prepare.demo_modules()
    labels = [module.__name__.split(".")[1] for module in modules]
    assert "users" in labels
    for position, module in enumerate(modules):
        assert {label for label in getattr(module, "AFTER", ()) if label in labels} <= set(labels[:position])
