"""Creates, starts, recovers and stops one private PostgreSQL, without a driver or Django."""

from __future__ import annotations

import errno
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from infrastructure.embedded import binaries as programs
from infrastructure.embedded import data_dirs, errors, processes
from infrastructure.product import PRODUCT

NAME = PRODUCT.identifier  # the role and the database, as in production
COMMON = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path is limited to about 100 bytes, a checkout's is not
    "max_connections": "100",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",  # three processes fewer
    "autovacuum_max_workers": "1",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
    "log_min_messages": "fatal",  # clients get their own errors; only what ends the server is shown
    "max_logical_replication_workers": "0",
    "log_checkpoints": "off",
    "log_statement": "none",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there. Raises EmbeddedError for a host that is no address of this machine."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As servers do; without it a port closed just now counts as taken for a minute.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return False
        raise errors.EmbeddedError(
            f"cannot listen on {host}: {error.strerror}; choose another: make run HOST=127.0.0.1"
        ) from error
    return True


def require_free(port: int, host: str) -> None:
    """Raise EmbeddedError that names a free port when this one is taken."""
    if is_free(port, host):
        return
    other = next((one for one in range(port + 1, min(port + 100, 65536)) if is_free(one, host)), free_port())
    raise errors.EmbeddedError(
        f"port {port} on {host} is taken: stop what uses it, or choose another: make run PORT={other}"
    )


class Postgres:
    """A PostgreSQL in a home: call `begin`, poll `is_ready`, then `stop`."""

    # Smart shutdown would wait for clients: fast, then immediate, then SIGKILL.
    STOP = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 3.0))

    def __init__(self, home: data_dirs.Home, *, durable: bool) -> None:
        self.home = home
        self.durable = durable
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.home.postgres / "data"

    @property
    def url(self) -> str:
        return f"postgres://{NAME}:{self.home.credentials()['postgres']}@127.0.0.1:{self.port}/{NAME}"

    def begin(self, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the server, creating its data first when there is none. Returns before it is ready."""
        folder = self.home.server_folder("postgres")
        binaries = programs.postgres_programs(self.home)
        if not self.data.exists():
            self.create(folder, binaries)
        self.check_version()
        self.end_previous()
        if self.home.credentials().get("name") != NAME:
            self.rename(binaries)
        credentials = self.home.credentials()
        last = int(credentials.get("postgres_port", "0"))
        self.port = last if last and is_free(last) else free_port()
        self.home.remember({**credentials, "postgres_port": str(self.port)})
        settings = COMMON | (DURABLE if self.durable else FORGETFUL) | {"port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = processes.spawn(
            [binaries / "postgres", "-D", self.data, *options],
            cwd=folder,
            account=self.home.account,
            death=signal.SIGINT,
            output=output,
        )
        return self.process

    def create(self, folder: Path, binaries: Path) -> None:
        """Create the data folder aside and move it into place, so that an interrupted start leaves none."""
        scratch = folder / "new"
        shutil.rmtree(scratch, ignore_errors=True)
        secret = folder / "password"
        data_dirs.write_private(secret, self.home.credentials()["postgres"], account=self.home.account)
        # PostgreSQL's own collation sorts the same on every system, and needs none of its locales.
        collation = ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        options = ["-U", NAME, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"]
        if not self.durable:
            options += ["--no-sync"]
        try:
            self.run([binaries / "initdb", "-D", scratch, "--pwfile", secret, *options, *collation])
        finally:
            secret.unlink()
        single: list[str | Path] = ["--single", "-D", scratch, "-c", "log_min_messages=fatal", "postgres"]
        self.run([binaries / "postgres", *single], text=f"CREATE DATABASE {NAME}\n")
        scratch.rename(self.data)

    def rename(self, binaries: Path) -> None:
        """Rename the role and the database after the product.

        The only role cannot rename itself, so single-user mode writes the catalogues.
        """
        former = "(SELECT rolname FROM pg_authid WHERE oid = 10)"
        # A slug, from which NAME is made, holds nothing that has to be quoted.
        statements = (
            f"UPDATE pg_database SET datname = '{NAME}' WHERE datname = {former}\n"  # noqa: S608
            f"UPDATE pg_authid SET rolname = '{NAME}' WHERE oid = 10\n"
        )
        options = ["-c", "log_min_messages=fatal", "-c", "allow_system_table_mods=on"]
        self.run([binaries / "postgres", "--single", "-D", self.data, *options, "postgres"], text=statements)
        self.home.remember({**self.home.credentials(), "name": NAME})

    def run(self, command: Sequence[str | Path], *, text: str = "") -> None:
        """Run one of PostgreSQL's programs to its end. Raises ServerFailed with its output."""
        account = self.home.account
        done = subprocess.run(
            command,
            cwd=self.home.postgres,
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            umask=0o077,
            check=False,
        )
        if done.returncode:
            said = done.stdout.decode(errors="replace").strip().splitlines()[-5:]
            raise errors.ServerFailed("PostgreSQL could not prepare its data folder: " + " / ".join(said))

    def check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != programs.POSTGRES_MAJOR:
            raise errors.EmbeddedError(
                f"{self.data} was written by PostgreSQL {found}, this checkout runs {programs.POSTGRES_MAJOR}: "
                "dump it with the old version, or move the folder away to start afresh"
            )

    def end_previous(self) -> None:
        """Stop a server that outlived its supervisor, and remove a stale lock file.

        The server is not adopted: it would not end with this process, and its log would be lost.
        """
        note = self.data / "postmaster.pid"
        if not note.exists():
            return
        pid = int(note.read_text().splitlines()[0])
        is_ours = str(self.data) in processes.command_line(pid)
        if is_ours and not processes.end_stranger(pid, self.STOP):
            raise errors.ServerFailed(f"an earlier PostgreSQL (process {pid}) does not stop: kill -9 {pid}")
        note.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """Whether it accepts connections. Raises ServerFailed when it has ended."""
        if self.process is None or self.process.poll() is not None:
            raise errors.ServerFailed("PostgreSQL ended while it started")
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and int(lines[0]) == self.process.pid and lines[7].strip() == "ready"

    def stop(self) -> None:
        """Shut down fast, then by force."""
        if self.process is None:
            return
        for number, patience in self.STOP:
            self.process.send_signal(number)
            if processes.wait(self.process, patience):
                break
        processes.sweep(self.process)
        self.process = None
