"""`manage.py prepare`: migrate the database and load demo data."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any

import structlog
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor

from apps.common import slices
from apps.common.database import migration_risks, unreleased_migrations
from apps.common.database.migration_risks import Finding
from infrastructure.telemetry import uncaught

Judged = Iterator[tuple[Migration, list[Finding]]]
# Any number that no other lock of the project has.
_LOCK = 7_305_001
_log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Apply pending migrations; with --demo, also load the demo data of every slice. Idempotent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--plan",
            action="store_true",
            help="only show pending migrations; exit 3 if the running release may not survive one",
        )
        parser.add_argument(
            "--unreleased",
            action="store_true",
            help="the same for the migrations that the last release lacks, without a database",
        )
        parser.add_argument("--demo", action="store_true", help="load demo accounts, rooms and messages")
        parser.add_argument(
            "--summary", type=Path, help="write the logins and URLs of the demo to this JSON file"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"]:
            self._show(self._plan())
            return
        if options["unreleased"]:
            release = unreleased_migrations.last_release()
            self._show(unreleased_migrations.findings(release) if release else iter(()))
            return
        with connection.cursor() as cursor:
            # Wait for a parallel run. The time limits of requests would end the wait after five seconds.
            cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            cursor.execute("RESET lock_timeout; RESET statement_timeout")
        try:
            self._migrate()
            if options["demo"]:
                summary = self._load_demo()
                if options["summary"]:
                    options["summary"].write_text(json.dumps(summary), encoding="utf-8")
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not pending:
            self._remark("The database is up to date.")
            return
        self._remark(f"Applying {len(pending)} migrations.")
        call_command("migrate", interactive=False, verbosity=0)

    def _remark(self, text: str) -> None:
        if uncaught.is_for_the_log(self.stdout):
            _log.info("prepare", message=text)
        else:
            self.stdout.write(text)

    def _plan(self) -> Judged:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        known = executor.loader.graph.nodes
        state = executor.loader.project_state(
            [node for node in executor.loader.applied_migrations if node in known]
        )
        return migration_risks.findings(plan, state)

    def _show(self, judged: Judged) -> None:
        """List migrations with their findings. Exits with 3 if one breaks the running release."""
        is_breaking = False
        name = ""
        for migration, findings in judged:
            name = f"{migration.app_label}.{migration.name}"
            self.stdout.write(name)
            for finding in findings:
                self.stdout.write(f"  {'!' if finding.breaks else '-'} {finding.text}")
                is_breaking |= finding.breaks
        if not name:
            self.stdout.write("none")
        if is_breaking:
            sys.exit(3)

    def _load_demo(self) -> dict[str, Any]:
        summary: dict[str, Any] = {"logins": [], "urls": []}
        for module in demo_modules():
            with transaction.atomic():
                module.seed(summary)
        self._remark("The demo data is loaded.")
        return summary


def demo_modules() -> list[ModuleType]:
    """The `demo.py` of every slice, after those of the slices named in its `AFTER`."""
    found = dict(slices.modules("demo"))
    order = TopologicalSorter({label: getattr(module, "AFTER", ()) for label, module in found.items()})
    return [found[label] for label in order.static_order() if label in found]
