"""Environment variables, each declared and read in one line by its owner.

    VARIABLES = environment.Variables("Orders")

    ORDERS_PER_PAGE = VARIABLES.number("ORDERS_PER_PAGE", 20, "Orders on one page", least=1, most=100)

Values come from the process environment, then from `.env` in the project's folder; an empty one counts as not set. Faults
are collected, and the settings refuse to start with all of them at once (`config.env`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar

from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from infrastructure import dot_env
from infrastructure.environment import secrets, values
from infrastructure.environment.values import Mistake

T = TypeVar("T")
ROOT: Final = Path(__file__).resolve().parent.parent.parent

__all__ = [
    "DOT_ENV_FAULT",
    "ROOT",
    "Mistake",
    "Refused",
    "Variable",
    "Variables",
    "fall_back",
    "load_dot_env",
    "names",
    "refuse",
]


class Refused(ImproperlyConfigured):
    """The settings refuse to start. The message names every faulty variable and the remedy, and no secret."""


def _plain_refusal(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An exception hook that shows a refusal without a traceback."""
    if issubclass(kind, Refused):
        sys.stderr.write(f"{error}\n")
    else:
        sys.__excepthook__(kind, error, trace)


def refuse(faults: Sequence[str], *, title: str, remedy: str = "") -> None:
    """Raise Refused if there are faults."""
    if faults:
        if sys.excepthook is sys.__excepthook__:
            sys.excepthook = _plain_refusal
        raise Refused("\n  - ".join([f"{title}:", *faults]) + (f"\n{remedy}" if remedy else ""))


def load_dot_env(path: Path = ROOT / ".env") -> str | None:
    """Add the variables of the file to the process environment, which has precedence. Returns the fault of the file."""
    if os.environ.get("DJANGO_READ_DOT_ENV", "1") == "0":
        return None
    try:
        for name, value in dot_env.read(path).items():
            os.environ.setdefault(name, value)
    except dot_env.DotEnvError as error:
        return str(error)
    return None


DOT_ENV_FAULT: Final = load_dot_env()
# A value may be the content of a file that NAME_FILE names, as Docker and Kubernetes hand on secrets.
_ENVIRONMENT: Final = FileAwareMapping(cache=False)


def fall_back(**values: str) -> None:
    """Set variables that neither the environment nor `.env` sets."""
    for name, value in values.items():
        if not os.environ.get(name):
            os.environ[name] = value


def names() -> frozenset[str]:
    """The names of all variables that are set."""
    return frozenset(name for name, value in os.environ.items() if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A row of the table of variables. `default` is its text; None: the variable is required."""

    name: str
    kind: str
    default: str | None
    help: str
    secret: bool


class Variables:
    """The variables of one owner, and the faults of their values.

    Attributes:
        title: A heading in `.env.example`.
        declared: In the order of declaration.
        faults: Values that cannot work.
        weaknesses: Values that production refuses and development accepts.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.declared: list[Variable] = []
        self.faults: list[str] = []
        self.weaknesses: list[str] = []

    def read(
        self,
        name: str,
        default: str | None,
        help: str,
        *,
        kind: str,
        parse: Callable[[str], T],
        empty: T,
        secret: bool = False,
    ) -> T:
        """The parsed value or default of a variable; `empty` when it has neither."""
        self.declared.append(Variable(name=name, kind=kind, default=default, help=help, secret=secret))
        try:
            text = _ENVIRONMENT.get(name, "").strip()
            if text:
                text.encode()
                return parse(text)
        except UnicodeError:
            self.faults.append(f"{name} must be UTF-8 text.")
        except OSError as error:
            self.faults.append(f"{name}_FILE names a file that cannot be read: {error.strerror}.")
        except Mistake as mistake:
            self.faults.append(f"{name} {mistake}.")
        else:
            if default is None:
                self.faults.append(
                    f"{name} is not set: {help}. Set it in the environment or in .env; `make run` and `make test`"
                    " set it by themselves."
                )
        return parse(default) if default else empty

    def text(
        self,
        name: str,
        default: str,
        help: str,
        *,
        parse: Callable[[str], str] = values.text,
        kind: str = "text",
        secret: bool = False,
    ) -> str:
        """A text of one line; `parse` may restrict it."""
        return self.read(name, default, help, kind=kind, parse=parse, empty="", secret=secret)

    def choice(self, name: str, default: str, help: str, *, choices: Sequence[str]) -> str:
        return self.text(name, default, help, parse=values.choice(choices), kind=", ".join(choices))

    def flag(self, name: str, default: bool, help: str) -> bool:  # noqa: FBT001  (reads like the others)
        text = "true" if default else "false"
        return self.read(name, text, help, kind="true/false", parse=values.flag, empty=False)

    def number(self, name: str, default: int, help: str, *, least: int, most: int) -> int:
        kind = f"{least} to {most}"
        return self.read(name, str(default), help, kind=kind, parse=values.number(least, most), empty=0)

    def items(
        self,
        name: str,
        default: str,
        help: str,
        *,
        each: Callable[[str], str] = values.text,
        secret: bool = False,
    ) -> tuple[str, ...]:
        """A comma-separated list, blanks trimmed, empty entries dropped."""

        def parse(text: str) -> tuple[str, ...]:
            given = [item for item in map(str.strip, text.split(",")) if item]
            # A list without entries counts as an empty variable.
            return tuple(map(each, given)) if given or text == default else parse(default)

        return self.read(name, default, help, kind="comma list", parse=parse, empty=(), secret=secret)

    def fault(self, name: str, reason: str) -> None:
        """Record a fault that the text alone does not show."""
        self.faults.append(f"{name} {reason}.")

    def weak(self, name: str, reasons: Iterable[str | None]) -> None:
        """Have production refuse a variable."""
        self.weaknesses += [f"{name} {reason}" for reason in reasons if reason]

    def weak_password(self, name: str, password: str, *, own: str = "") -> None:
        """Have production refuse an address with a sample password, of which `own` is the variable `<name>_PASSWORD`.

        The server judges its length.
        """
        if secrets.is_sample(own):
            self.weak(f"{name}_PASSWORD", ["is a sample value"])
        elif secrets.is_sample(password):
            self.weak(name, ["has a sample value as its password"])
