"""The faults: what is done to the stack, and for how long."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import redis

from apps.common.testing.waiting import wait_until
from config.tests.chaos.stack import Stack

WORKERS = ("worker-1", "worker-2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`inject` begins the fault and ends it again; between them `seconds` pass."""

    name: str
    what: str
    inject: Callable[[Stack], AbstractContextManager[None]]
    seconds: float = 4.0


@contextlib.contextmanager
def _tables_locked(stack: Stack) -> Iterator[None]:
    """Hold an exclusive lock on every table."""
    tables = ", ".join(
        row[0]
        for row in stack.query("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
    )
    with psycopg.connect(stack.engines.urls["DATABASE_URL"]) as session:
        while True:
            try:
                session.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
            except psycopg.errors.DeadlockDetected:
                session.rollback()
            else:
                break
        yield
        session.rollback()


def _waiting_tasks(broker: redis.Redis) -> list[tuple[bytes, bytes | str]]:
    """The queues and messages of the tasks that wait in the broker, at least one. Raises TimeoutError."""
    found: list[tuple[bytes, bytes | str]] = []

    def look() -> bool:
        for key in broker.scan_iter(_type="list"):
            found.extend((key, message) for message in broker.lrange(key, 0, -1))
        return bool(found)

    wait_until(look, "a task waits in the broker", seconds=30)
    return found


@contextlib.contextmanager
def _emptied(stack: Stack) -> Iterator[None]:
    """Empty Valkey while tasks wait in it."""
    with stack.stopped(*WORKERS):
        yield
        broker = stack.redis()
        _waiting_tasks(broker)
        broker.flushall()


@contextlib.contextmanager
def _each_task_three_times(stack: Stack) -> Iterator[None]:
    """Put two more copies of each task that waits into its queue."""
    with stack.stopped(*WORKERS):
        yield
        broker = stack.redis()
        for key, message in _waiting_tasks(broker):
            copy = json.loads(message)
            for _ in range(2):
                copy["properties"]["delivery_tag"] = str(uuid4())
                broker.lpush(key, json.dumps(copy))


@contextlib.contextmanager
def _disk_full(stack: Stack) -> Iterator[None]:
    """Let no file of the servers and workers grow (RLIMIT_FSIZE), as on a disk without room."""
    import resource

    pids = [process.pid for name, process in stack.running.items() if not name.startswith("beat")]
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, ceiling) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (16, ceiling))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextlib.contextmanager
def _one_by_one(stack: Stack) -> Iterator[None]:
    """Kill each process that is not needed to answer, one after the other."""
    with stack.killed("beat-1", "worker-1"):
        yield
    time.sleep(1)
    with stack.killed("beat-2", "worker-2"):
        pass


FAULTS = (
    Fault(
        name="server killed",
        what="one of two server processes, with its relay: SIGKILL",
        inject=lambda s: s.killed("server-1"),
        seconds=2,
    ),
    Fault(
        name="worker killed",
        what="one of two workers: SIGKILL",
        inject=lambda s: s.killed("worker-1"),
        seconds=2,
    ),
    Fault(
        name="workers killed",
        what="all workers and both beats, in turn: SIGKILL",
        inject=_one_by_one,
        seconds=2,
    ),
    Fault(
        name="beats killed",
        what="both beats: SIGKILL",
        inject=lambda s: s.killed("beat-1", "beat-2"),
        seconds=2,
    ),
    Fault(
        name="postgres away",
        what="PostgreSQL stopped in order, started again",
        inject=lambda s: s.postgres.away(),
    ),
    Fault(
        name="postgres killed",
        what="PostgreSQL ended at once, recovers",
        inject=lambda s: s.engine_killed("DATABASE_URL"),
        seconds=1,
    ),
    Fault(
        name="postgres frozen",
        what="PostgreSQL and its sessions: SIGSTOP",
        inject=lambda s: s.postgres.frozen(),
        seconds=7,
    ),
    Fault(
        name="tables locked", what="every table locked by another session", inject=_tables_locked, seconds=7
    ),
    Fault(name="valkey frozen", what="Valkey: SIGSTOP", inject=lambda s: s.valkey_frozen()),
    Fault(
        name="valkey killed",
        what="Valkey: SIGKILL, started again with its file",
        inject=lambda s: s.engine_killed("REDIS_URL"),
        seconds=3,
    ),
    Fault(name="valkey emptied", what="Valkey: FLUSHALL while tasks wait", inject=_emptied, seconds=3),
    Fault(
        name="tasks three times",
        what="each task that waits in the broker, three times",
        inject=_each_task_three_times,
        seconds=3,
    ),
    Fault(name="mail server away", what="refuses connections", inject=lambda s: s.mail.away()),
    Fault(
        name="mail server silent",
        what="takes connections and does not answer",
        inject=lambda s: s.mail.silent(),
    ),
    *(
        [
            Fault(
                name="disk full",
                what="no file of servers and workers can grow (RLIMIT_FSIZE)",
                inject=_disk_full,
            )
        ]
        if sys.platform == "linux"
        else []
    ),
)
SHORT = ("server killed", "postgres frozen", "valkey frozen")
