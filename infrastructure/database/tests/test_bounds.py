"""What a request waits for, against a real server: its words end, and no connection that is dead is handed out.

The bounds themselves are small here. `patience` ends an endless wait, and fails the test.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from config.settings.components.database import connection as settings_of
from infrastructure.database import base, budget
from infrastructure.database.tests import private
from infrastructure.database.tests.private import PrivatePostgres
from infrastructure.environment import urls

PATIENCE = 30  # seconds; nothing here takes one


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgres]:
    with private.running() as one:
        with one.connect() as session:
            session.execute("CREATE TABLE thing (id int PRIMARY KEY)")
            session.execute("INSERT INTO thing VALUES (1)")
        yield one


@pytest.fixture(params=[True, False], ids=["pooled", "persistent"])
def database(
    request: pytest.FixtureRequest,
    server: PrivatePostgres,
    django_db_blocker: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[base.DatabaseWrapper]:
    """Connections as the product has them, to that server, in a process that has lost no wait yet."""
    monkeypatch.setattr(budget, "_last_loss", -math.inf)
    entry = settings_of(pooled=request.param) | {
        name: value for name, value in urls.database(server.url).items() if name not in ("ENGINE", "OPTIONS")
    }
    connections.settings["bounded"] = connections.configure_settings({"default": {}, "bounded": entry})[
        "bounded"
    ]
    with django_db_blocker.unblock():
        wrapper = connections["bounded"]
        assert isinstance(wrapper, base.DatabaseWrapper)
        yield wrapper
        wrapper.close()
        if wrapper.pool:
            wrapper.close_pool()
    del connections["bounded"], connections.settings["bounded"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "ANSWER", 0.4)
    monkeypatch.setattr(budget, "CONNECTION", 0.4)


def ask(database: BaseDatabaseWrapper, sql: str = "SELECT count(*) FROM thing") -> Any:
    with database.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def refused(call: Callable[[], Any]) -> str:
    """The error of a query in a new request."""
    with budget.request(), pytest.raises((OperationalError, InterfaceError)) as error:
        call()
    return str(error.value)


def test_a_frozen_server_times_out_and_is_used_again_later(
    server: PrivatePostgres, database: base.DatabaseWrapper, short: None
) -> None:
    assert ask(database) == 1
    with server.frozen():
        assert "did not answer" in refused(lambda: ask(database))
        database.close()
        # Of the next request the connection is not had, either.
        refused(lambda: ask(database))
    database.close()
    assert ask(database) == 1


def test_a_lock_is_waited_for_no_longer_than_the_request_lasts(
    server: PrivatePostgres, database: base.DatabaseWrapper, short: None
) -> None:
    with server.connect() as session:
        session.execute("LOCK TABLE thing IN ACCESS EXCLUSIVE MODE")
        assert "did not answer" in refused(lambda: ask(database))
        session.rollback()
        # The waiting statement ended with its connection, and blocks no other.
        session.execute("SET lock_timeout = '20s'; LOCK TABLE thing IN ACCESS EXCLUSIVE MODE")
    database.close()
    assert ask(database) == 1


def test_the_server_gives_a_lock_up_first_and_the_connection_stays(
    server: PrivatePostgres, database: base.DatabaseWrapper
) -> None:
    ask(database, "SET lock_timeout = 50")
    with server.connect() as session:
        session.execute("LOCK TABLE thing IN ACCESS EXCLUSIVE MODE")
        assert "lock timeout" in refused(lambda: ask(database))
    assert ask(database, "SHOW lock_timeout") == "50ms"


def test_the_statements_of_a_request_share_its_time(
    database: base.DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(database)
    monkeypatch.setattr(budget, "FLOOR", 0.0)
    with budget.request() as current:
        before = current.left(budget.ANSWER)
        ask(database, "SELECT pg_sleep(0.1)")
        assert current.left(budget.ANSWER) <= before - 0.1
    with budget.request(time.monotonic() - budget.ANSWER + 0.1):
        with pytest.raises(OperationalError, match="did not answer"):
            ask(database, "SELECT pg_sleep(10)")


def test_once_it_is_spent_nothing_more_is_waited_for(
    server: PrivatePostgres, database: base.DatabaseWrapper, short: None
) -> None:
    ask(database)
    with server.frozen(), budget.request() as current:
        for _ in range(3):
            with pytest.raises((OperationalError, InterfaceError)), InTransaction(database):
                ask(database)
            database.close()
        assert current.left(PATIENCE) == 0


class InTransaction:
    """A transaction whose end needs the server, too."""

    def __init__(self, database: base.DatabaseWrapper) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.set_autocommit(False)

    def __exit__(self, *_: object) -> None:
        try:
            self._database.rollback()
        except (OperationalError, InterfaceError):
            self._database.close()


def test_a_request_that_took_long_elsewhere_may_still_ask(database: base.DatabaseWrapper) -> None:
    with budget.request(time.monotonic() - 60):
        assert ask(database) == 1
        assert ask(database) == 1


def lose_a_lock(server: PrivatePostgres, database: base.DatabaseWrapper) -> None:
    ask(database, "SET lock_timeout = 50")
    with server.connect() as session:
        session.execute("LOCK TABLE thing IN ACCESS EXCLUSIVE MODE")
        assert "lock timeout" in refused(lambda: ask(database))


def lose_an_answer(server: PrivatePostgres, database: base.DatabaseWrapper) -> None:
    with budget.request(time.monotonic() - budget.ANSWER + 0.2), pytest.raises(OperationalError):
        ask(database, "SELECT pg_sleep(10)")
    database.close()


@pytest.mark.parametrize("lose", [lose_a_lock, lose_an_answer])
def test_requests_that_waited_for_a_thread_while_a_wait_was_lost_do_not_wait_again(
    server: PrivatePostgres,
    database: base.DatabaseWrapper,
    lose: Callable[[PrivatePostgres, base.DatabaseWrapper], None],
) -> None:
    queued = time.monotonic() - budget.ANSWER
    with budget.request(queued):
        assert ask(database) == 1
    lose(server, database)
    assert ask(database) == 1  # one answer does not mean that the next wait is not lost
    connection = ask(database, "SELECT pg_backend_pid()")
    with budget.request(queued), pytest.raises(OperationalError, match="is spent"):
        ask(database)
    # They cost no connection, and a request that arrives later has all its time.
    with budget.request() as current:
        assert ask(database, "SELECT pg_backend_pid()") == connection
        assert current.left(PATIENCE) > budget.FLOOR


def test_outside_of_requests_only_the_server_decides(database: base.DatabaseWrapper, short: None) -> None:
    ask(database, "SELECT pg_sleep(0.6)")


def test_a_restart_causes_no_error(server: PrivatePostgres, database: base.DatabaseWrapper) -> None:
    def served(_: int) -> int:
        mine = connections["bounded"]  # the thread's own
        mine.close_if_unusable_or_obsolete()  # as Django does when a request starts
        with budget.request():
            count: int = ask(mine)
            together.wait(PATIENCE)  # so that as many are open at once
        mine.close_if_unusable_or_obsolete()  # and when it ends
        return count

    def leave(_: int) -> None:
        together.wait(PATIENCE)
        connections["bounded"].close()

    together = threading.Barrier(6)
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(served, range(6))) == [1] * 6
        with server.away():
            pass
        assert list(threads.map(served, range(12))) == [1] * 12
        list(threads.map(leave, range(6)))


def test_an_unreachable_server_is_reported_and_found_again(
    server: PrivatePostgres, database: base.DatabaseWrapper, short: None
) -> None:
    ask(database)
    database.close()
    with server.away():
        refused(lambda: ask(database))
        database.close()
    assert ask(database) == 1


def test_a_connection_that_died_is_dropped_before_it_is_used(
    server: PrivatePostgres, database: base.DatabaseWrapper
) -> None:
    ask(database)
    assert database.is_usable()
    with server.connect() as session:
        session.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
    assert not database.is_usable()


def test_bounds_are_those_that_are_promised(settings: Any) -> None:
    """DESIGN: 503 within 3 s for a server that is away, within 5 s for one that is locked or frozen."""
    assert budget.CONNECTION + budget.FLOOR < 3
    assert budget.ANSWER + 2 * budget.FLOOR < 5
    options = settings_of(pooled=True)["OPTIONS"]
    assert "lock_timeout=3500" in options["options"]
    assert options["connect_timeout"] < 3
    assert options["tcp_user_timeout"] <= 5000
    assert options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"] < 20


def test_a_budget_begins_with_its_request() -> None:
    assert budget.current() is None
    with budget.request(time.monotonic() - 1) as outer, budget.request() as inner:
        assert inner is outer
        assert inner.left(10) <= 9
    assert budget.current() is None
