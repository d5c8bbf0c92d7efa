"""`manage.py flush`: Django's command with protection of the audit log."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import flush
from django.db import connections


class Command(flush.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--with-audit-log",
            action="store_true",
            help="also empty the audit log; without this option, the command is refused",
        )

    def handle(self, **options: Any) -> None:
        """Raises CommandError without `--with-audit-log`."""
        with connections[options["database"]].cursor() as cursor:
            cursor.execute("SELECT current_setting('append_only.truncate', true)")
            # Test settings allow it for each connection, because tests that commit flush the tables.
            if cursor.fetchone() == ("on",):
                super().handle(**options)
                return
            if not options.get("with_audit_log"):
                raise CommandError(
                    "The audit log is append-only, and flush would empty it. Nothing was changed."
                    " To empty it with all other tables: manage.py flush --with-audit-log"
                )
            cursor.execute("SET append_only.truncate = 'on'")
            try:
                super().handle(**options)
            finally:
                cursor.execute("SET append_only.truncate = ''")
