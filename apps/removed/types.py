"""What is known of the tables of a removed slice. Imports no model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTable:
    """A table without a model.

    Args:
        name: The table.
        key: The column of the primary key.
        columns: The exported columns.
        accounts: Columns with the account that a row belongs to: its rows are exported, and deleted when it is erased.
        mentions: Other columns with an id, perhaps of an account: rows that name an erased account are deleted.
        parents: Columns with the row, of another kept table, that a row goes with.
        references: Columns with a row of another kept table, or with an account, that are emptied when that is deleted.
    """

    name: str
    key: str
    columns: tuple[str, ...]
    accounts: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    parents: tuple[tuple[str, str], ...] = ()
    references: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSlice:
    """The tables of a removed slice, its functions of the database, and its folders of private files."""

    tables: tuple[KeptTable, ...]
    functions: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
