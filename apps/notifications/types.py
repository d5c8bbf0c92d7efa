"""Values of the slice, and the kinds of notifications that slices declare. Pure Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of notification, as people see it in their preferences. `code` is `<slice>.<what>`."""

    code: str
    title: str


_declared: Final[dict[str, Kind]] = {}


def declare(kind: Kind) -> Kind:
    """Offer a kind to people's preferences. Raises ValueError when another one has its code."""
    if _declared.setdefault(kind.code, kind) != kind:
        raise ValueError(f"Two kinds of notifications are called {kind.code!r}.")
    return kind


def declared_kinds() -> list[Kind]:
    """Every kind that a slice has declared, by code."""
    return [_declared[code] for code in sorted(_declared)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The number of unread notifications, and the numbers of the newest notification and the newest change."""

    unread: int
    seq: int
    change: int


class Head(NamedTuple):
    """The numbers of a user's newest notification and newest change."""

    seq: int = 0
    change: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Frames for a stream that has got this far, and whether there are more."""

    frames: list[dict[str, Any]]
    seq: int
    change: int
    is_last: bool
