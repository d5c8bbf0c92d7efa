"""Exports the personal data of a user (GDPR, articles 15 and 20).

A slice that stores personal data has a `data_export.py` with a function::

    def export(user_id: UUID) -> Mapping[str, object]: ...

The values are JSON-safe (UUIDs and datetimes included). An iterator is written as an array while it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import orjson

from apps.common import slices

Export = Callable[[UUID], Mapping[str, Any]]


def exports() -> dict[str, Export]:
    """The `export` functions of the slices, by label."""
    return {label: module.export for label, module in slices.modules("data_export") if label != "common"}


def stream(user_id: UUID) -> Iterator[bytes]:
    """Yields one JSON object with a member for each slice, without holding it in memory."""
    yield b"{"
    for number, (label, export) in enumerate(exports().items()):
        yield b"," * (number > 0) + orjson.dumps(label) + b":{"
        for position, (name, value) in enumerate(export(user_id).items()):
            yield b"," * (position > 0) + orjson.dumps(name) + b":"
            if isinstance(value, Iterator):
                yield from _array(value)
            else:
                yield orjson.dumps(value)
        yield b"}"
    yield b"}\n"


def _array(items: Iterator[Any]) -> Iterator[bytes]:
    yield b"["
    for number, item in enumerate(items):
        yield b"," * (number > 0) + orjson.dumps(item)
    yield b"]"
