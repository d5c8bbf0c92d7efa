"""Reads tables that have no model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection

from apps.removed import tables
from apps.removed.types import KeptTable

_BATCH: Final = 1_000


def list_kept() -> dict[str, list[KeptTable]]:
    """The kept tables that this database has, by slice: one made after the removal has none."""
    existing = set(connection.introspection.table_names())
    return {
        label: [table for table in kept.tables if table.name in existing]
        for label, kept in tables.register().items()
    }


def list_rows(table: KeptTable, *, kept: list[KeptTable], user_id: UUID) -> Iterator[dict[str, Any]]:
    """The rows of an account, as JSON values, in the order of their keys."""
    condition, parameters = _belongs(table, kept, user_id)
    if not condition:
        return
    columns = ", ".join(f'"{column}"' for column in table.columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT to_jsonb(row) FROM (SELECT {columns} FROM "{table.name}" WHERE {condition} ORDER BY "{table.key}")'
            " AS row",
            parameters,
        )
        while rows := cursor.fetchmany(_BATCH):
            yield from (orjson.loads(row) for (row,) in rows)


def _belongs(
    table: KeptTable, kept: list[KeptTable], user_id: UUID, seen: frozenset[str] = frozenset()
) -> tuple[str, list[UUID]]:
    """The condition for rows of an account: by a column of their own, else by the row that they go with."""
    if table.accounts:
        return " OR ".join(f'"{column}" = %s' for column in table.accounts), [user_id] * len(table.accounts)
    conditions: list[str] = []
    parameters: list[UUID] = []
    for column, name in table.parents:
        parent = next((one for one in kept if one.name == name and name not in seen), None)
        if parent is not None:
            condition, more = _belongs(parent, kept, user_id, seen | {table.name})
            if condition:
                conditions.append(f'"{column}" IN (SELECT "{parent.key}" FROM "{name}" WHERE {condition})')
                parameters += more
    return " OR ".join(conditions), parameters
