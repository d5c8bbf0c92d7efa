"""Values of the slice, and the kinds of notifications that slices declare. Pure Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


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
    """How much someone has not read, and the number of their newest notification."""

    unread: int
    seq: int
