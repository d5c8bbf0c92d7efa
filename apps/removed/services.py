"""Erasure of accounts from tables that have no model, and deletion of files that no table refers to."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils import timezone

from apps.removed import selectors, tables
from apps.removed.types import KeptTable
from infrastructure import storage

ACCOUNTS: Final = "users_user"
_BATCH: Final = 1_000


def forget_user(*, user_id: UUID) -> int:
    """Delete the rows of an erased account, those that name it, and those that go with them, with their files. Idempotent.

    Returns the number of rows deleted. Raises StorageUnavailable.
    """
    count = 0
    register = tables.register()
    for label, kept in selectors.list_kept().items():
        for table in kept:
            for column in (*table.accounts, *table.mentions):
                while keys := _keys(table, column, user_id):
                    with transaction.atomic():
                        count += _delete(table, keys, kept, folders=register[label].folders)
        _empty(kept, ACCOUNTS, [user_id])
    return count


def delete_folder(*, folder: str) -> int:
    """Delete the private files of a removed slice. Returns their number. Raises StorageUnavailable."""
    return storage.files.sweep(folder=folder, before=timezone.now(), known=())


def _empty(kept: list[KeptTable], name: str, keys: list[Any]) -> None:
    """Empty the columns that refer to these rows of a table."""
    with connection.cursor() as cursor:
        for table in kept:
            for column, other in table.references:
                if other == name:
                    cursor.execute(
                        f'UPDATE "{table.name}" SET "{column}" = NULL WHERE "{column}" = ANY(%s)',
                        [keys],
                    )


def _keys(table: KeptTable, column: str, user_id: UUID) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "{table.key}" FROM "{table.name}" WHERE "{column}" = %s LIMIT {_BATCH}',
            [user_id],
        )
        return [key for (key,) in cursor.fetchall()]


def _delete(
    table: KeptTable,
    keys: list[Any],
    kept: list[KeptTable],
    *,
    folders: tuple[str, ...],
    seen: frozenset[tuple[str, Any]] = frozenset(),
) -> int:
    """Delete rows after those that go with them. Returns the number of rows deleted."""
    count = 0
    seen |= {(table.name, key) for key in keys}
    with connection.cursor() as cursor:
        _empty(kept, table.name, keys)
        for child in kept:
            for column, name in child.parents:
                if name == table.name:
                    cursor.execute(
                        f'SELECT "{child.key}" FROM "{child.name}" WHERE "{column}" = ANY(%s)',
                        [keys],
                    )
                    found = [key for (key,) in cursor.fetchall() if (child.name, key) not in seen]
                    if found:
                        count += _delete(child, found, kept, folders=folders, seen=seen)
        cursor.execute(
            f'SELECT to_jsonb(row) FROM "{table.name}" AS row WHERE "{table.key}" = ANY(%s)',
            [keys],
        )
        # Before the rows: after a crash between, the next attempt finds them again.
        for (row,) in cursor.fetchall() if folders else ():
            for value in orjson.loads(row).values():
                if isinstance(value, str) and value.startswith(tuple(f"{folder}/" for folder in folders)):
                    storage.files.delete(value)
        cursor.execute(f'DELETE FROM "{table.name}" WHERE "{table.key}" = ANY(%s)', [keys])
        return count + int(cursor.rowcount)
