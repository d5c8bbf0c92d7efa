"""The base of commands that list rows as a table and replay them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser

from apps.common.management.tables import table


class ReplayCommand(BaseCommand):
    """`list [--limit N]`, `replay ID… | --all`."""

    list_help: ClassVar[str]
    replay_help: ClassVar[str]
    head: ClassVar[Sequence[str]]

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        self.list_parser = actions.add_parser("list", help=self.list_help)
        self.list_parser.add_argument("--limit", type=int, default=50)
        replay = actions.add_parser("replay", help=self.replay_help)
        which = replay.add_mutually_exclusive_group(required=True)
        which.add_argument("ids", nargs="*", type=UUID, default=[])
        which.add_argument("--all", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "replay":
            self.stdout.write(self.replay(None if options["all"] else options["ids"]))
        else:
            self.stdout.write(table(self.head, self.rows(**options)))

    def rows(self, *, limit: int, **options: Any) -> Iterable[Sequence[object]]:
        raise NotImplementedError

    def replay(self, ids: Sequence[UUID] | None) -> str:
        """Returns a message."""
        raise NotImplementedError
