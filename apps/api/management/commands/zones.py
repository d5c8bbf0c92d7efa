"""`manage.py zones`: inspects and checks the zone table, and updates what is generated from it (`apps.api.commands`).

Exit codes: 0 success, 1 findings (each is printed), 2 a usage error.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import IO, Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter

from apps.api.clients.failures import ClientsError
from apps.api.clients.plan import PACKAGES, Language
from apps.api.commands import RevisionUnknown
from apps.api.commands.report import Form, Report, show
from apps.api.openapi.schema import SchemaInvalid
from apps.api.zones import mounting
from apps.common.exceptions import DomainError

_HELP = {
    "list": "the zones: versions, floor, authentication, rates, documentation",
    "slices": "the slices, and the files of each that are found by their names",
    "urls": "every route: full path, method, view, authentication, rates",
    "validate": "check the table, the routes, the codes and every schema",
    "schema": "print a zone's OpenAPI document, or keep the committed ones (--write, --check)",
    "clients": "generate TypeScript and Python packages into clients/, or compare them (--check)",
    "audit": "list who may call what, and check that only public routes answer anonymous callers",
    "keys": "service keys of the internal zone: create, list, rotate, revoke",
    "menu": "choose one of these",
}
_EPILOG = """\
examples:
  manage.py zones                               a menu, on a terminal
  manage.py zones urls private
  manage.py zones schema private/v1 --format json
  manage.py zones schema --check                as `make check` does
  manage.py zones schema --breaking v1.4.0      what callers of that release would trip over
  manage.py zones clients --zone private --language typescript --sync ../app/vendor
  manage.py zones keys create billing --scope api:internal:v1:users:detail --days 90
  manage.py zones keys rotate 3f2a91c0d4e7 --overlap 86400

exit codes: 0 all is well; 1 something was found; 2 the command was not understood
"""


# Defaults for an action that was chosen in the menu.
_UNASKED = {"zone": None, "document": None, "write": False, "language": None, "sync": None, "archive": False}
_UNASKED |= {"output": None, "breaking": None}


class _HelpFormatter(argparse.RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's order of options, and the examples as they are written."""


class Command(BaseCommand):
    help = "Look at the zone table, check it, and keep what follows from it."
    # `validate` reports a broken table itself.
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, epilog=_EPILOG, formatter_class=_HelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """One subparser for each action; each takes --format."""
        shared = CommandParser(add_help=False)
        shared.add_argument(
            "--format", choices=[item.value for item in Form], help="table on a terminal, else plain"
        )
        actions = parser.add_subparsers(dest="action", metavar="action")
        made = {
            name: actions.add_parser(name, help=text, description=text.capitalize() + ".", parents=[shared])
            for name, text in _HELP.items()
        }
        made["urls"].add_argument("zone", nargs="?", help="only this zone")
        schema = made["schema"]
        schema.add_argument("document", nargs="?", help="zone, or zone/version")
        way = schema.add_mutually_exclusive_group()
        way.add_argument("--write", action="store_true", help="write docs/api/<zone>.<version>.yaml for all")
        way.add_argument(
            "--check", action="store_true", help="fail when the committed ones differ from the code"
        )
        way.add_argument(
            "--breaking",
            nargs="?",
            const="",
            metavar="REVISION",
            help="fail when the code breaks callers of the schemas committed at a git revision (HEAD), and say where",
        )
        self._add_clients(made["clients"])
        self._add_keys(made["keys"], shared)

    def _add_clients(self, parser: CommandParser) -> None:
        parser.add_argument("--zone", action="append", help="only this zone, or zone/version (repeat)")
        parser.add_argument(
            "--language",
            action="append",
            choices=[item.value for item in Language],
            help="only this one (repeat); browser is one ES module with all named zones",
        )
        parser.add_argument("--check", action="store_true", help="fail when the packages are not up to date")
        parser.add_argument(
            "--sync",
            type=Path,
            metavar="DIR",
            help="copy into a folder of another repository; replaces and removes only its own copies",
        )
        parser.add_argument("--archive", action="store_true", help="keep this generation in clients/archive/")
        parser.add_argument(
            "--output", type=Path, metavar="DIR", help="clients/ (the default) or a folder in it"
        )

    def _add_keys(self, parser: CommandParser, shared: CommandParser) -> None:
        actions = parser.add_subparsers(dest="keys_action", metavar="action", required=True)
        create = actions.add_parser("create", help="make a key and show it once", parents=[shared])
        create.add_argument("name", help="the service that will use it")
        create.add_argument(
            "--scope", action="append", help="a route name (repeat), or * for all", required=True
        )
        create.add_argument("--days", type=int, help="expire after so many days")
        actions.add_parser("list", help="all keys, their state and last use", parents=[shared])
        rotate = actions.add_parser(
            "rotate", help="a new key; the old one goes on for a while", parents=[shared]
        )
        rotate.add_argument("prefix")
        rotate.add_argument(
            "--overlap", type=int, default=86_400, help="seconds that the old key goes on (a day)"
        )
        revoke = actions.add_parser("revoke", help="end a key at once", parents=[shared])
        revoke.add_argument("prefix")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the action, print its report, exit with its code."""
        action = options["action"]
        if action is None or action == "menu":
            if not sys.stdin.isatty():
                self.print_help("manage.py", "zones")
                raise CommandError("Name an action.", returncode=2)
            from apps.api.commands import menu

            action = menu.choose({name: text for name, text in _HELP.items() if name not in ("menu", "keys")})
            if action is None:
                return
            options = _UNASKED | options | {"check": action == "schema"}
        form = Form(options.get("format") or (Form.TABLE if self.stdout.isatty() else Form.PLAIN))
        try:
            report = self._run(action, options)
        except KeyError as error:
            raise CommandError(str(error.args[0]), returncode=2) from error
        except DomainError as error:
            raise CommandError(error.detail, returncode=1) from error
        except (ClientsError, ImproperlyConfigured, SchemaInvalid, RevisionUnknown) as error:
            raise CommandError(str(error), returncode=1) from error
        show(report, form, cast("IO[str]", self.stdout))
        if not report.ok:
            # The report is printed already.
            raise SystemExit(1)

    # Each action imports only what it needs.
    def _run(self, action: str, options: dict[str, Any]) -> Report:
        match action:
            case "validate":
                from apps.api.commands import validate

                return validate.validate(self._progress)
            case "list":
                from apps.api.commands import listing

                return listing.list_zones(mounting.mounted())
            case "urls":
                from apps.api.commands import listing

                return listing.list_urls(mounting.mounted(), options["zone"])
            case "slices":
                from apps.api.commands import listing

                return listing.list_slices(mounting.mounted())
            case "audit":
                from apps.api.commands import audit

                return audit.audit(mounting.mounted(), self._progress)
            case "schema":
                return self._schema(options)
            case "clients":
                return self._clients(options)
            case _:
                return self._keys(options)

    def _schema(self, options: dict[str, Any]) -> Report:
        from apps.api.commands import schemas

        if options["write"]:
            return schemas.write_schemas(mounting.mounted())
        if options["check"]:
            return schemas.check_schemas(mounting.mounted())
        if options["breaking"] is not None:
            return schemas.check_breaking(mounting.mounted(), options["breaking"] or None)
        if options["document"] is None:
            raise KeyError("Name a zone (`zones schema private`), or give --write, --check or --breaking.")
        return schemas.print_schema(mounting.mounted(), options["document"])

    def _clients(self, options: dict[str, Any]) -> Report:
        from apps.api.commands import clients

        wanted = clients.Options(
            zones=options["zone"] or (),
            languages=[Language(name) for name in options["language"] or PACKAGES],
            check=options["check"],
            sync=options["sync"],
            archive=options["archive"],
            output=options["output"],
        )
        return clients.clients(mounting.mounted(), wanted, self._progress)

    def _keys(self, options: dict[str, Any]) -> Report:
        from apps.api.commands import keys

        match options["keys_action"]:
            case "create":
                return keys.create(mounting.mounted(), options["name"], options["scope"], options["days"])
            case "rotate":
                return keys.rotate(options["prefix"], options["overlap"])
            case "revoke":
                return keys.revoke(options["prefix"])
            case _:
                return keys.list_keys()

    def _progress(self, step: str) -> None:
        """The current step, on one line that is overwritten; silent without a terminal."""
        if self.stderr.isatty():
            self.stderr.write(f"\r\033[K{step[:100]}\r", ending="")
