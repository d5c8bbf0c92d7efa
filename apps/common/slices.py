"""What slices declare in their `types.py` for others to find by its name, so that no slice has to be listed anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps


def declared(name: str) -> Iterator[Any]:
    """`types.<name>` of every app of the project that has one: `AuditAction`, `Permission`, `DEFAULT_GRANTS`."""
    for config in apps.get_app_configs():
        module = f"{config.name}.types"
        if config.name.startswith("apps.") and find_spec(module) is not None:
            found = getattr(import_module(module), name, None)
            if found is not None:
                yield found
