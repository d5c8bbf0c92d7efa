"""Connections whose waits end with the request's budget, and a pool that hands out no dead ones."""

from __future__ import annotations

import select
import time
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout
from psycopg_pool.base import AttemptWithBackoff

from infrastructure.database import budget
from infrastructure.telemetry import metrics

# A pool that has lost its server asks for it each half second. By itself it waits 1, 2, 4 … seconds, and requests with it,
# although PostgreSQL has long been back.
AttemptWithBackoff.INITIAL_DELAY = 0.5
AttemptWithBackoff.DELAY_BACKOFF = 1.0


_SPENT: Final = "the time of the request is spent"


class Connection(psycopg.Connection[Any]):
    """A psycopg connection that waits for a silent server no longer than the request's budget."""

    @classmethod
    def connect(cls, *arguments: Any, **named: Any) -> Any:
        """Connect as psycopg does. Raises OperationalError, at once when the budget is spent."""
        left = budget.current()
        if left is not None and not left.left(budget.CONNECTION):
            raise psycopg.OperationalError(_SPENT)
        try:
            return super().connect(*arguments, **named)
        except psycopg.errors.ConnectionTimeout:
            if left is not None:
                left.spend()
            raise

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait as psycopg does. When the budget is spent, raises OperationalError, and closes a connection that is in use."""
        left = budget.current() if timeout is None else None
        if left is None:
            return super().wait(gen, interval, timeout)
        seconds = left.left(budget.ANSWER)
        if not seconds and self.pgconn.transaction_status == TransactionStatus.IDLE:
            raise psycopg.OperationalError(_SPENT)  # nothing was sent, so the connection stays
        try:
            return super().wait(gen, interval, seconds)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001
            left.spend()
            # The server ends the statement itself once it notices the closed connection (client_connection_check_interval).
            self.pgconn.finish()
            raise psycopg.OperationalError("the server did not answer in the time of the request") from None
        except psycopg.errors.LockNotAvailable:
            budget.note_loss()
            raise


def is_alive(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection is still open.

    A server sends nothing on an idle connection unless it closes it, so a look at the socket is enough.
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
    """A psycopg pool whose clients wait within their request's budget, and get connections that are alive. It is measured."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        metrics.DATABASE_POOL_LIMIT.inc(self.max_size)

    def close(self, timeout: float = 5.0) -> None:
        if not self.closed:
            metrics.DATABASE_POOL_LIMIT.dec(self.max_size)
        super().close(timeout)

    def getconn(self, timeout: float | None = None) -> Connection:
        """Raises PoolTimeout."""
        current = budget.current()
        if timeout is None:
            timeout = current.left(budget.CONNECTION) if current else self.timeout
        started = time.monotonic()
        until = started + timeout
        while True:
            try:
                connection = super().getconn(until - time.monotonic())
            except PoolTimeout:
                metrics.DATABASE_POOL_TIMEOUTS.inc()
                if current:
                    current.spend()
                raise
            metrics.DATABASE_POOL_IN_USE.inc()
            if is_alive(connection):
                metrics.DATABASE_POOL_WAIT.observe(time.monotonic() - started)
                return connection
            connection.pgconn.finish()
            self.putconn(connection)  # which opens another

    def putconn(self, conn: Connection) -> None:
        metrics.DATABASE_POOL_IN_USE.dec()
        super().putconn(conn)
