"""One mistake of a zone table, as the checks and the refusal to start tell it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake: a stable number, where it is (names of several zones are parted by commas), what it is, how to mend it."""

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
