"""Values of the slice, and the kinds of notifications that slices declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of notification, as users see it in their preferences. `code` is `<slice>.<kind>`."""

    code: str
    title: str


_declared: Final[dict[str, Kind]] = {}


def declare(kind: Kind) -> Kind:
    """Register a kind for users' preferences. Raises ValueError when another kind has its code."""
    if _declared.setdefault(kind.code, kind) != kind:
        raise ValueError(f"Two kinds of notifications are called {kind.code!r}.")
    return kind


def declared_kinds() -> list[Kind]:
    """Returns all declared kinds by code."""
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
    """Frames for a stream, its new position, and whether more follow."""

    frames: list[dict[str, Any]]
    seq: int
    change: int
    is_last: bool
