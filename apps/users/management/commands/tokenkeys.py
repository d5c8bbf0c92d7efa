"""`manage.py tokenkeys [list|new]`: lists the keys of access tokens without their secrets, and creates keys."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apps.common.management.tables import table
from apps.users import selectors
from infrastructure import token


class Command(BaseCommand):
    """Show the keys in use, or create one. The ring itself is configuration: JWT_KEYS and JWT_ALGORITHM."""

    help = "Keys of access tokens: what is in use (no secrets), or a new one for JWT_KEYS."

    def add_arguments(self, parser: CommandParser) -> None:
        """`list` (the default), `new KID`."""
        actions = parser.add_subparsers(dest="action")
        actions.add_parser("list", help="algorithm and keys in use, the one that signs first; no secrets")
        new = actions.add_parser("new", help="print an entry for the front of JWT_KEYS")
        new.add_argument("kid", help="the name of the key, the date for example")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "new":
            self.stdout.write(f"{options['kid']}:{token.new_key()}")
            return
        ring = selectors.access_tokens().keys
        self.stdout.write(
            table(
                ("kid", "algorithm", "use", "fingerprint"),
                [
                    (key.kid, key.algorithm, "signs, verifies" if key.signs else "verifies", key.fingerprint)
                    for key in ring.in_use()
                ],
            )
        )
        seconds = int(settings.ACCESS_TOKEN_LIFETIME.total_seconds())
        self.stdout.write(
            f"issuer and audience {settings.JWT_ISSUER}; a key that signs no more can go after {seconds} s; refresh "
            f"grace {int(settings.REFRESH_GRACE.total_seconds())} s"
        )
