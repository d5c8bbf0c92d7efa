"""Empties the tables between tests that commit, in a few milliseconds.

Django truncates every table and lets `post_migrate` make content types, permissions and roles anew, a quarter of a second
a test. Here only tables with other rows than the migrations left are emptied, and what those left is put back.
"""

from __future__ import annotations

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.errors import DeadlockDetected

SCHEMA = "baseline"
_statements: dict[str, str] = {}  # what puts back the rows of a table that had some
_empty: list[str] = []  # tables that had none


def keep() -> None:
    """Copy what the tables hold now into a schema of its own."""
    _statements.clear()
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        filled = _select(cursor, [f'EXISTS (SELECT 1 FROM "{table}")' for table in tables])
        _empty[:] = [table for table, has_rows in zip(tables, filled, strict=True) if not has_rows]
        for table in sorted({*tables} - {*_empty}):
            cursor.execute(
                "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)"
                " FROM information_schema.columns"
                " WHERE table_schema = current_schema AND table_name = %s AND is_generated = 'NEVER'",
                [table],
            )
            (columns,) = cursor.fetchone()
            cursor.execute(f'CREATE TABLE {SCHEMA}."{table}" AS SELECT {columns} FROM "{table}"')
            _statements[table] = (
                f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM {SCHEMA}."{table}"'
                f' WHERE NOT EXISTS (SELECT 1 FROM "{table}")'
            )


def restore(attempts: int = 5) -> None:
    """Bring every table back to what `keep` found.

    A server of the test may still read (upkeep of its sockets), in an order of tables that deadlocks with the truncation.
    """
    try:
        _restore()
    except OperationalError as error:
        if attempts == 1 or not isinstance(error.__cause__, DeadlockDetected):
            raise
        restore(attempts - 1)


def _restore() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        tables = [*_empty, *_statements]
        changed = [f'EXISTS (SELECT 1 FROM "{table}")' for table in _empty]
        for table in _statements:
            columns = _statements[table].partition(" SELECT ")[2].partition(" FROM ")[0]
            ours, kept = f'SELECT {columns} FROM "{table}"', f'SELECT {columns} FROM {SCHEMA}."{table}"'
            changed.append(f"EXISTS (({ours} EXCEPT ALL {kept}) UNION ALL ({kept} EXCEPT ALL {ours}))")
        dirty = [table for table, is_dirty in zip(tables, _select(cursor, changed), strict=True) if is_dirty]
        if dirty:
            cursor.execute(f"TRUNCATE {', '.join(map(_quoted, dirty))} CASCADE")
            cursor.execute("; ".join(_statements.values()))


def _select(cursor: CursorWrapper, expressions: list[str]) -> tuple[bool, ...]:
    cursor.execute(f"SELECT {', '.join(expressions)}")
    row: tuple[bool, ...] = cursor.fetchone()
    return row


def _quoted(name: str) -> str:
    return f'"{name}"'
