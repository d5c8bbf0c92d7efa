"""`manage.py flush`: Django's, which says what the audit log has to do with it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import flush
from django.db import connections


class Command(flush.Command):
    """Empties all tables, but the audit log only where that is said."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's, and `--with-audit-log`."""
        super().add_arguments(parser)
        parser.add_argument(
            "--with-audit-log",
            action="store_true",
            help="empty the audit log, too; without it nothing is done",
        )

    def handle(self, **options: Any) -> None:
        """Empty the tables. Raises CommandError where the audit log would be lost without a word."""
        with connections[options["database"]].cursor() as cursor:
            cursor.execute("SELECT current_setting('append_only.truncate', true)")
            # The settings of tests allow it for each connection: tables are emptied after each test that commits.
            if cursor.fetchone() == ("on",):
                super().handle(**options)
                return
            if not options.get("with_audit_log"):
                raise CommandError(
                    "The audit log is append-only, and flush would empty it with all other tables. Nothing was done."
                    " If that is what you want, say so: manage.py flush --with-audit-log"
                )
            cursor.execute("SET append_only.truncate = 'on'")
            try:
                super().handle(**options)
            finally:
                cursor.execute("SET append_only.truncate = ''")
