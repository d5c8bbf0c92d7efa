"""Both servers: locked, recovered after every kind of death, left out where others are named."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from infrastructure.embedded import data_dirs, errors, postgres, processes, servers
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.tests.conftest import eventually
from infrastructure.embedded.valkey import Valkey
from infrastructure.product import PRODUCT

pytestmark = pytest.mark.campaign


@pytest.fixture(scope="module")
def both() -> Iterator[servers.Servers]:
    with servers.throwaway({}) as running:
        yield running


def test_postgres_is_of_the_promised_kind(both: servers.Servers) -> None:
    with psycopg.connect(both.urls["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT current_user, current_database(), current_setting('server_version_num')::int / 10000,"
            " current_setting('fsync'), current_setting('server_encoding'), current_setting('TimeZone'), 'Ä' ILIKE 'ä'"
        ).fetchone()
    assert row == (PRODUCT.identifier, PRODUCT.identifier, 18, "off", "UTF8", "UTC", True)


def test_both_refuse_clients_without_a_password(both: servers.Servers) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            both.urls["DATABASE_URL"].replace(f"{PRODUCT.identifier}:", f"{PRODUCT.identifier}:x")
        )
    store = redis.Redis.from_url("redis://127.0.0.1:" + both.urls["REDIS_URL"].rpartition(":")[2])
    with pytest.raises(redis.AuthenticationError):
        store.ping()
    store.close()


def test_both_listen_on_this_machine_only(both: servers.Servers) -> None:
    with psycopg.connect(both.urls["DATABASE_URL"]) as connection:
        shown = connection.execute(
            "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')"
        ).fetchone()
    assert shown == ("127.0.0.1", "")
    with redis.Redis.from_url(both.urls["REDIS_URL"]) as store:
        assert store.config_get("bind", "databases", "appendonly") == {
            "bind": "127.0.0.1",
            "databases": "1024",
            "appendonly": "no",
        }


def test_a_throwaway_home_is_deleted_with_its_servers() -> None:
    with servers.throwaway({"REDIS_URL": "redis://127.0.0.1:1/0"}) as running:
        server = running.members["DATABASE_URL"]
        process, path = server.process, server.home.path
        assert process is not None
        assert running.urls["REDIS_URL"] == "redis://127.0.0.1:1/0"
        assert list(running.members) == ["DATABASE_URL"]
    assert process.returncode == 0
    assert not path.exists()


def test_servers_that_outlived_their_supervisor_are_ended_and_their_data_kept(checkout: Path) -> None:
    home = data_dirs.persistent(checkout)
    first = servers.Servers(home, durable=True, given={})
    first.begin()
    first.wait()
    with psycopg.connect(first.urls["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    with servers.Servers(home, durable=True, given={}) as second:
        # The first handles are no longer ours to use: their processes were ended by the second start.
        for member in first.members.values():
            assert member.process is not None
            member.process.wait(timeout=5)
        assert second.urls == first.urls
        with psycopg.connect(second.urls["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT value FROM kept").fetchone() == (7,)


def test_a_renamed_product_keeps_its_data(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = data_dirs.persistent(checkout)
    with servers.Servers(home, durable=True, given={"REDIS_URL": "redis://x"}) as first:
        with psycopg.connect(first.urls["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    monkeypatch.setattr(postgres, "NAME", "acme_orders")
    for _ in range(2):  # renamed once, and found under the new name afterwards
        with servers.Servers(home, durable=True, given={"REDIS_URL": "redis://x"}) as second:
            with psycopg.connect(second.urls["DATABASE_URL"]) as connection:
                row = connection.execute(
                    "SELECT current_user, current_database(), value FROM kept"
                ).fetchone()
        assert row == ("acme_orders", "acme_orders", 7)


def test_stale_lock_file_that_names_another_process_is_dropped(checkout: Path) -> None:
    home = data_dirs.persistent(checkout)
    with servers.Servers(home, durable=True, given={"REDIS_URL": "redis://x"}):
        note = home.postgres / "data" / "postmaster.pid"
        lines = note.read_text().splitlines()
    note.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    (home.valkey).mkdir(exist_ok=True)
    (home.valkey / "valkey.pid").write_text(str(os.getpid()))
    Valkey(home, durable=True).end_previous()
    with servers.Servers(home, durable=True, given={"REDIS_URL": "redis://x"}) as again:
        with psycopg.connect(again.urls["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert processes.is_alive(os.getpid())


def test_killed_postgres_recovers(checkout: Path) -> None:
    home = data_dirs.persistent(checkout)
    with servers.Servers(home, durable=True, given={"REDIS_URL": "redis://x"}) as first:
        with psycopg.connect(first.urls["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        process = first.members["DATABASE_URL"].process
        assert process is not None
        process.kill()
        process.wait()
        with pytest.raises(errors.ServerFailed, match="PostgreSQL ended"):
            first.are_ready()
    with servers.Servers(home, durable=True, given={"REDIS_URL": "redis://x"}) as second:
        with psycopg.connect(second.urls["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT value FROM kept").fetchone() == (7,)


def test_data_of_another_major_version_is_refused_untouched(tmp_path: Path) -> None:
    home = data_dirs.Home(path=tmp_path, account=None)
    (home.postgres / "data").mkdir(parents=True, mode=0o700)
    home.postgres.chmod(0o700)
    (home.postgres / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(errors.EmbeddedError) as caught:
        Postgres(home, durable=True).check_version()
    assert str(caught.value) == (
        f"{home.postgres / 'data'} was written by PostgreSQL 17, this checkout runs 18: dump it with the old version, "
        "or move the folder away to start afresh"
    )


def test_a_failed_server_reports_the_reason_and_leaves_nothing(checkout: Path) -> None:
    home = data_dirs.persistent(checkout)
    with servers.Servers(home, durable=True, given={"REDIS_URL": "redis://x"}):
        pass
    (home.postgres / "data" / "global" / "pg_control").unlink()
    with pytest.raises(errors.ServerFailed, match="could not find the database system"):
        with servers.Servers(home, durable=True, given={"REDIS_URL": "redis://x"}):
            pass


def test_making_the_data_folder_can_fail_with_a_reason(bare_checkout: Path) -> None:
    home = data_dirs.persistent(bare_checkout)
    server = Postgres(home, durable=True)
    home.server_folder("postgres")
    with pytest.raises(errors.ServerFailed, match=r"could not prepare its data folder: .*false"):
        server.run(["sh", "-c", "echo this is false; exit 3"])


def test_an_interrupted_creation_restarts(bare_checkout: Path) -> None:
    home = data_dirs.persistent(bare_checkout)
    leftover = home.server_folder("postgres") / "new"
    leftover.mkdir()
    (leftover / "PG_VERSION").write_text("18")
    with servers.Servers(home, durable=True, given={"REDIS_URL": "redis://x"}) as running:
        with psycopg.connect(running.urls["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not leftover.exists()
    assert not (home.postgres / "password").exists()


def test_frozen_servers_are_ended_by_force(both: servers.Servers, tmp_path: Path) -> None:
    with servers.throwaway({"DATABASE_URL": "postgres://x"}) as running:
        member = running.members["REDIS_URL"]
        member.STOP = ((signal.SIGTERM, 0.1), (signal.SIGKILL, 3.0))
        process = member.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
    assert process.returncode == -signal.SIGKILL
    member.stop()  # again: nothing to do
    assert eventually(lambda: not processes.is_alive(process.pid))


def test_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.throwaway({"DATABASE_URL": "postgres://x"}) as running:
        monkeypatch.setattr(servers, "PATIENCE", 0.05)
        monkeypatch.setattr(running.members["REDIS_URL"], "is_ready", lambda: False)
        with pytest.raises(errors.ServerFailed, match="did not start within 0 s"):
            running.wait()


def test_port_that_was_lost_at_the_last_moment_is_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = [other.getsockname()[1], postgres.free_port()]
        monkeypatch.setattr(postgres, "free_port", lambda: ports.pop(0))
        monkeypatch.setattr(postgres, "is_free", lambda port: False)
        with servers.throwaway({"DATABASE_URL": "postgres://x"}) as running:
            with redis.Redis.from_url(running.urls["REDIS_URL"]) as store:
                assert store.ping()
    assert ports == []


def test_valkey_that_is_not_there_or_hangs_up_is_not_ready(tmp_path: Path) -> None:
    server = Valkey(data_dirs.Home(path=tmp_path, account=None), durable=False)
    with pytest.raises(errors.ServerFailed, match="Valkey ended"):
        server.is_ready()
    server.process = subprocess.Popen(["sleep", "20"])
    with socket.socket() as rude:
        rude.bind(("127.0.0.1", 0))
        server.port = rude.getsockname()[1]
        assert not server.is_ready()
        rude.listen()
        rude.settimeout(5)
        pid = os.fork()
        if pid == 0:
            try:
                rude.accept()[0].close()
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        assert not server.is_ready()
        os.waitpid(pid, 0)
    server.stop()


def test_environment_wins_over_dot_env_and_empty_means_unset(tmp_path: Path) -> None:
    assert servers.external(tmp_path, {}) == {}
    (tmp_path / ".env").write_text(
        "# DATABASE_URL=no\nDATABASE_URL = 'postgres://file'\nREDIS_URL=\nexport OTHER=1\n"
    )
    assert servers.written(tmp_path) == {"DATABASE_URL": "postgres://file", "REDIS_URL": "", "OTHER": "1"}
    assert servers.external(tmp_path, {}) == {"DATABASE_URL": "postgres://file"}
    assert servers.external(tmp_path, {"DATABASE_URL": "postgres://env", "REDIS_URL": ""}) == {
        "DATABASE_URL": "postgres://env"
    }


def test_a_dot_env_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfREDIS_URL = redis://file # ours\r\n")
    assert servers.external(tmp_path, {}) == {"REDIS_URL": "redis://file"}
    (tmp_path / ".env").write_text("REDIS_URL=redis://one\nREDIS_URL=redis://two\n")
    with pytest.raises(
        errors.EmbeddedError, match=r"^\.env, line 2: REDIS_URL has a value already, in line 1\.$"
    ):
        servers.external(tmp_path, {})
