"""Imports packages on first use, since most commands end before they need them.

    if TYPE_CHECKING:
        import jwt
    else:
        jwt = lazy_import.module("jwt")

Servers call `load` at start, so that no caller waits for an import.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

_put_off: dict[str, ModuleType] = {}


class _Module(ModuleType):
    """Imports its module on first access."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


def module(name: str) -> Any:
    """A proxy to keep in a global instead of the module."""
    return _put_off.setdefault(name, _Module(name))


def load() -> None:
    """Import all deferred modules."""
    for name in _put_off:
        import_module(name)
