"""Finds every mistake in a zone table and in what slices offer to it, each with its remedy.

`checks` turns mistakes into system-check errors, `mounting` into an error that prevents a start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.api.zones.table import Zone
from apps.api.zones.validation.membership import slice_mistakes
from apps.api.zones.validation.mistake import Mistake
from apps.api.zones.validation.table import shape_mistakes, table_mistakes
from apps.common.slices import Slice

__all__ = ["Mistake", "find_mistakes"]


def find_mistakes(zones: Sequence[Any], slices: Sequence[Slice]) -> list[Mistake]:
    """Every mistake in the table and in the slices' routes, in a stable order. Empty: it can be mounted."""
    if not zones:
        return [
            Mistake(id="E001", message="The zone table is empty.", hint="List at least one Zone in ZONES.")
        ]
    if strange := [item for item in zones if not isinstance(item, Zone)]:
        return [
            Mistake(
                id="E001",
                message=f"The zone table holds {item!r}, which is no Zone.",
                hint="List Zone(...) values only.",
            )
            for item in strange
        ]
    # A value of the wrong type cannot be checked any further.
    misshapen = {zone.name: list(shape_mistakes(zone)) for zone in zones}
    sound = [zone for zone in zones if not misshapen[zone.name]]
    wrong = [mistake for found in misshapen.values() for mistake in found]
    return [*wrong, *table_mistakes(sound), *slice_mistakes(sound, slices)]
