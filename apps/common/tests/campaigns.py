"""Collects the slices' parts of campaigns over the whole API: `make fuzz`, `make contract-test`,
`make chaos`, and the test for leaks.

A slice may have a `tests/campaigns.py` with any of:

- `path_parameters(owner, other)`: creates rows of two users, and returns their values for parameters of paths;
- `prepare(users)`: creates rows that calls by these users need;
- `socket_path(user)`: creates the rows for a socket of the slice, and returns its path;
- `chaos(site)`: creates the slice's traffic for `make chaos` (`apps.common.tests.chaos`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.common import slices


def contributions(name: str) -> list[Callable[..., Any]]:
    """The function of that name of each installed slice that has one."""
    modules = [module for _, module in slices.modules("tests.campaigns")]
    return [getattr(module, name) for module in modules if hasattr(module, name)]
