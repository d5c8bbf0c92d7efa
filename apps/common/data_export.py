"""Exports the personal data of a user (GDPR, articles 15 and 20).

A slice that stores personal data has a `data_export.py` with a function::

    def export(user_id: UUID) -> Mapping[str, object]: ...

Values may be UUIDs, times and decimals as well as those of JSON. An iterator is written as an array while it is read.
A module with a function `exports()` has several of them, by label.

The test of personal columns (apps.common.testing.personal_columns) fails for each column of a row that belongs to a user and
is missing in the export, or remains after the account is erased. The same module lists the exceptions, each constant a
mapping from a reason to names like `Order.note` (`label.Model.column` for another app):

`NOT_PERSONAL`   says nothing about the user; of a UUID column, that it names no user
`NOT_EXPORTED`   personal, such as a secret, and erased, but not exported
`NOT_ERASED`     exported, and kept after the account is erased

`PERSONAL_ROWS` maps the name of a model to a function that takes a user's id and returns the values that make a row belong to
the user: for a model that names its user in other ways than by a foreign key or a UUID column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final
from uuid import UUID

import orjson
from django.core.serializers.json import DjangoJSONEncoder

from apps.common import slices

Export = Callable[[UUID], Mapping[str, Any]]

PERSONAL_ROWS: Final = {"AuditEvent": lambda user_id: {"target": "user", "target_id": str(user_id)}}
NOT_PERSONAL: Final = {"id of a request": ("AuditEvent.request_id",)}
NOT_ERASED: Final = {
    "the audit log is append-only; a periodic task deletes what is older than AUDIT_RETENTION": (
        "AuditEvent.at",
        "AuditEvent.action",
        "AuditEvent.actor_id",
        "AuditEvent.target",
        "AuditEvent.target_id",
        "AuditEvent.network",
        "AuditEvent.details",
    ),
}


def modules() -> Iterator[tuple[str, ModuleType]]:
    """The label and the `data_export` of each slice, and this module for the shared tables."""
    yield from slices.modules("data_export")


def exports() -> dict[str, Export]:
    """The `export` functions of the slices, by label."""
    found: dict[str, Export] = {}
    for label, module in slices.modules("data_export"):
        if hasattr(module, "export"):
            found[label] = module.export
        elif label != "common":
            found |= getattr(module, "exports", dict)()
    return found


def stream(user_id: UUID) -> Iterator[bytes]:
    """Yields one JSON object with a member for each slice, without holding it in memory."""
    yield b"{"
    for number, (label, export) in enumerate(exports().items()):
        yield b"," * (number > 0) + _dumps(label) + b":{"
        for position, (name, value) in enumerate(export(user_id).items()):
            yield b"," * (position > 0) + _dumps(name) + b":"
            if isinstance(value, Iterator):
                yield from _array(value)
            else:
                yield _dumps(value)
        yield b"}"
    yield b"}\n"


def _dumps(value: Any) -> bytes:
    return orjson.dumps(value, default=DjangoJSONEncoder().default)


def _array(items: Iterator[Any]) -> Iterator[bytes]:
    yield b"["
    for number, item in enumerate(items):
        yield b"," * (number > 0) + _dumps(item)
    yield b"]"
