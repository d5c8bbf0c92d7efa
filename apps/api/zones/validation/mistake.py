"""A mistake in a zone table, for the checks, and for the error that prevents a start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A stable number, the zone and slice (names of several zones are separated by commas), the mistake, and its remedy."""

    id: str
    message: str
    hint: str
    zone: str = ""
    slice: str = ""

    def __str__(self) -> str:
        where = " ".join(
            f"{kind} " + ", ".join(f"'{name}'" for name in names.split(", "))
            for kind, names in (("zone", self.zone), ("slice", self.slice))
            if names
        )
        return f"{where}: {self.message}" if where else self.message
