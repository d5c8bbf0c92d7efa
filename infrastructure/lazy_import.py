"""Packages that are loaded when something of them is first used: most commands end before that, and never pay for them.

    if TYPE_CHECKING:
        import jwt
    else:
        jwt = lazy_import.module("jwt")

Whoever serves callers calls `load` as it starts, so that none of them waits for it.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

_put_off: dict[str, ModuleType] = {}


class _Module(ModuleType):
    """Stands for the module of its name."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


def module(name: str) -> Any:
    """What may be kept in a global instead of the module."""
    return _put_off.setdefault(name, _Module(name))


def load() -> None:
    """Load all that was put off."""
    for name in _put_off:
        import_module(name)
