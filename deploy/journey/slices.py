"""Steps that slices add to the walk: `apps/<slice>/tests/compose.py`, found by its name, standard library only like the rest.

Such a module may have any of:

- `steps(world, report)`: steps of a user's way through the slice; two accounts, `ada` and `bob`, are signed in;
- `Load`: made with a `Traffic`; its `jobs` run beside REST calls while replicas go, `outcome()` raises AssertionError for
  what was lost and returns a text;
- `stored(world)`: what the slice has stored, to be the same after a restart and in a restored backup.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from deploy.journey.stack import ROOT


def modules(name: str) -> Iterator[Any]:
    """The modules that have `name`."""
    for path in sorted(ROOT.glob("apps/*/tests/compose.py")):
        module = import_module(f"apps.{path.parents[1].name}.tests.compose")
        if hasattr(module, name):
            yield module
