"""A PostgreSQL that a test may do anything to."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from infrastructure.embedded import servers
from infrastructure.embedded.postgres import Postgres


class PrivatePostgres:
    """A server on a port that stays its own."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self.url = server.url

    def connect(self) -> psycopg.Connection:
        """Another session, to hold locks in."""
        return psycopg.connect(self.url)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze the server and the processes of its connections; the kernel still accepts data."""
        assert self._server.process is not None
        with psycopg.connect(self.url, autocommit=True) as session:
            rows = session.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            ).fetchall()
        pids = [self._server.process.pid, *(pid for (pid,) in rows)]
        _send(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            _send(pids, signal.SIGCONT)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stop the server, and start it again on the same port."""
        self._server.stop()
        try:
            yield
        finally:
            self._server.begin(subprocess.DEVNULL)
            while not self._server.is_ready():
                time.sleep(0.01)
            assert self._server.url == self.url


@contextmanager
def running() -> Iterator[PrivatePostgres]:
    """A server for a test, deleted at its end."""
    with servers.throwaway({"REDIS_URL": "redis://127.0.0.1:9"}) as given:
        server = given.members["DATABASE_URL"]
        assert isinstance(server, Postgres)
        yield PrivatePostgres(server)


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:  # the session that requested them
            continue
