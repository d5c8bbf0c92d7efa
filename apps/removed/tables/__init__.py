"""The register of kept tables: one module for each removed slice whose tables are kept, with a `KEPT`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from apps.common import slices
from apps.removed.types import KeptSlice


def register() -> dict[str, KeptSlice]:
    """The kept slices by label, without those that came back and look after their tables themselves."""
    installed = {slice_.label for slice_ in slices.installed()}
    return {
        name: import_module(f"{__name__}.{name}").KEPT
        for _, name, _ in iter_modules(__path__)
        if name not in installed
    }
