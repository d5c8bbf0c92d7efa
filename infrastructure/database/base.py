"""Django's PostgreSQL backend over connections with bounded waits. Django looks for a module of this name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connections
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from infrastructure.database.connection import Connection, Pool, is_alive


class _Driver:
    """psycopg with a `connect` that opens this backend's connections."""

    connect = staticmethod(Connection.connect)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


class DatabaseWrapper(base.DatabaseWrapper):
    """Replaces Django's connection and pool classes, and detects dead connections."""

    Database = _Driver()  # type: ignore[assignment] # what Django takes of the module is there
    # Django's own, which its stubs leave out.
    _connection_pools: dict[str, Pool]
    _configure_connection: Callable[[Connection], None]

    @property
    def pool(self) -> Pool | None:
        """The pool of the process for this alias, created on first use; None without a pool in the settings."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            made = Pool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                connection_class=Connection,
                open=False,
                configure=self._configure_connection,
                **options,
            )
            self._connection_pools.setdefault(
                self.alias, made
            )  # of two threads that make one, the first wins
        return self._connection_pools[self.alias]

    def is_usable(self) -> bool:
        return self.connection is not None and is_alive(self.connection)


def drop_dead() -> None:
    """Close this thread's dead connections; the next query opens new ones."""
    for connection in connections.all(initialized_only=True):
        if (
            connection.connection is not None
            and not connection.in_atomic_block
            and not connection.is_usable()
        ):
            connection.close()
