"""Connections whose waits end with the budget of the request, and a pool that hands out none that is dead."""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout
from psycopg_pool.base import AttemptWithBackoff

from infrastructure.database import budget

# A pool that has lost its server asks for it each half second. By itself it waits 1, 2, 4 … seconds, and requests with it,
# although PostgreSQL has long been back.
AttemptWithBackoff.INITIAL_DELAY = 0.5
AttemptWithBackoff.DELAY_BACKOFF = 1.0


class Connection(psycopg.Connection[Any]):
    """psycopg's, for which a server that does not answer is not waited for longer than the request's budget lasts."""

    @classmethod
    def connect(cls, *arguments: Any, **named: Any) -> Any:
        """Connect as psycopg does. Raises OperationalError, in a request at once when there is no time left."""
        left = budget.current()
        if left is not None and left.left(budget.CONNECTION) <= budget.SILENT_FLOOR:
            raise psycopg.OperationalError("the time of the request is spent")
        try:
            return super().connect(*arguments, **named)
        except psycopg.errors.ConnectionTimeout:
            if left is not None:
                left.spend()
            raise

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait as psycopg does. Raises OperationalError when the budget is spent; the connection is closed then."""
        left = budget.current() if timeout is None else None
        if left is None:
            return super().wait(gen, interval, timeout)
        try:
            answer = super().wait(gen, interval, left.left(budget.ANSWER))
        except psycopg.errors._WaitTimeout:  # noqa: SLF001
            left.spend()
            # The server ends the statement itself, once it finds nobody there (client_connection_check_interval).
            self.pgconn.finish()
            raise psycopg.OperationalError("the server did not answer in the time of the request") from None
        budget.note_answer()
        return answer


def is_alive(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection still is one.

    A server says nothing on an idle connection unless it ends it: a look at the socket tells, without a question.
    """
    if connection.closed:
        return False
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    if not look.poll(0):
        return True
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True


class Pool(ConnectionPool[Connection]):
    """psycopg's pool: its clients wait as long as their request may, and are given connections that are alive."""

    def getconn(self, timeout: float | None = None) -> Connection:
        """Hand out a connection. Raises PoolTimeout."""
        current = budget.current()
        if timeout is None:
            timeout = current.left(budget.CONNECTION) if current else self.timeout
        until = time.monotonic() + timeout
        while True:
            try:
                connection = super().getconn(until - time.monotonic())
            except PoolTimeout:
                if current:
                    current.spend()
                raise
            if is_alive(connection):
                return connection
            connection.pgconn.finish()
            self.putconn(connection)  # which opens another
