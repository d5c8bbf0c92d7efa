"""Everything that can be wrong with a zone table and with what slices offer to it, each with the way to mend it.

Pure judgement: `checks` turns mistakes into system-check errors, `mounting` into a refusal to start.
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
    """Every mistake of the table and of the slices' routes, in a stable order. Empty: it can be mounted."""
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
    # What has the wrong type cannot be judged any further.
    misshapen = {zone.name: list(shape_mistakes(zone)) for zone in zones}
    sound = [zone for zone in zones if not misshapen[zone.name]]
    told = [mistake for found in misshapen.values() for mistake in found]
    return [*told, *table_mistakes(sound), *slice_mistakes(sound, slices)]
