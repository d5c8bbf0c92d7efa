"""`manage.py rotate_field_keys`: encrypt every encrypted column with the first key of FIELD_ENCRYPTION_KEY."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.common.encryption import rotation


class Command(BaseCommand):
    help = (
        "Put the new key first in FIELD_ENCRYPTION_KEY (new,old), restart all processes, run this, then drop the old"
        " key. May be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=500, help="rows between two lines of output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError when interrupted, and for values that do not decrypt."""
        failed = sum(self._rotate(column, options["batch"]) for column in rotation.encrypted_fields())
        if failed:
            raise CommandError(f"{failed} values do not decrypt with any key and were not changed.")
        self.stdout.write("All values are encrypted with the first key.")

    def _rotate(self, column: Any, batch: int) -> int:
        progress = None
        try:
            for progress in rotation.rotate(column, batch=batch):
                self.stdout.write(
                    f"{progress.column}: {progress.seen} of {progress.total}, {progress.rotated} rotated"
                )
                self.stdout.flush()
        except KeyboardInterrupt:
            raise CommandError("Interrupted. Run it again to continue.", returncode=130) from None
        for pk in progress.failed if progress else ():
            self.stderr.write(f"{column.model._meta.db_table}.{column.column}: row {pk} does not decrypt.")
        return len(progress.failed) if progress else 0
