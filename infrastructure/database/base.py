"""Django's PostgreSQL backend over connections with bounded waits. Django looks for a module of this name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from functools import lru_cache
from typing import Any, Final

import psycopg
from django.db import connections
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg.adapt import AdaptersMap

from infrastructure.database.connection import Connection, Pool, is_alive


class _Driver:
    """psycopg with a `connect` that opens this backend's connections."""

    connect = staticmethod(Connection.connect)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


# psycopg's own, in C where that is installed. Django's replaces the time zone of each value in Python.
_TIMESTAMP_LOADER: Final = psycopg.adapters.get_loader(base.TIMESTAMPTZ_OID, psycopg.pq.Format.TEXT)


@lru_cache(maxsize=4)
def _with_own_loader(adapters: AdaptersMap) -> AdaptersMap:
    adapters = AdaptersMap(adapters)
    assert _TIMESTAMP_LOADER is not None
    adapters.register_loader("timestamptz", _TIMESTAMP_LOADER)
    return adapters


class DatabaseWrapper(base.DatabaseWrapper):
    """Replaces Django's connection and pool classes and its loader of timestamps, and detects dead connections."""

    Database = _Driver()  # type: ignore[assignment] # what Django takes of the module is there
    # Django's own, which its stubs leave out.
    _connection_pools: dict[str, Pool]
    _configure_connection: Callable[[Connection], None]

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        if self.timezone is UTC:
            params["context"] = _with_own_loader(params["context"])
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        if self.timezone is not UTC:
            return super().create_cursor(name)
        # Django's would compare the time zone of its loader. The session is in UTC, and psycopg's loader follows it.
        connection: Any = self.connection
        if name is None:
            return connection.cursor()
        return connection.cursor(name, scrollable=False, withhold=connection.autocommit)

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
