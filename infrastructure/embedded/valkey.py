"""Starts, recovers and stops one private Valkey (Redis protocol), without a client library."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path
from typing import IO

from infrastructure.embedded import binaries, data_dirs, errors, postgres, processes

DATABASES = 64
DATABASES_FOR_TESTS = 1024  # four for each parallel test process


class Valkey:
    """A Valkey in a home: call `begin`, poll `is_ready`, then `stop`."""

    STOP = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 3.0))

    def __init__(self, home: data_dirs.Home, *, durable: bool) -> None:
        self.home = home
        self.durable = durable
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.home.valkey / "valkey.conf"

    @property
    def url(self) -> str:
        return f"redis://:{self.home.credentials()['valkey']}@127.0.0.1:{self.port}/0"

    def begin(self, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the server. Returns before it is ready."""
        folder = self.home.server_folder("valkey")
        self.end_previous()
        credentials = self.home.credentials()
        last = int(credentials.get("valkey_port", "0"))
        self.port = last if last and postgres.is_free(last) else postgres.free_port()
        self.home.remember({**credentials, "valkey_port": str(self.port)})
        data_dirs.write_private(self.config, self.settings(folder), account=self.home.account)
        self.process = processes.spawn(
            [binaries.valkey_program(self.home), self.config],
            cwd=folder,
            account=self.home.account,
            death=signal.SIGTERM,
            output=output,
        )
        return self.process

    def settings(self, folder: Path) -> str:
        """The configuration file, which holds the password: a command line would be visible to all users."""
        return "\n".join(
            (
                "bind 127.0.0.1",
                f"port {self.port}",
                f"requirepass {self.home.credentials()['valkey']}",
                f'pidfile "{folder}/valkey.pid"',
                f"databases {DATABASES if self.durable else DATABASES_FOR_TESTS}",
                f"appendonly {'yes' if self.durable else 'no'}",
                'save ""',
                "set-proc-title no",  # the path of this file in the command line identifies our server
                "loglevel warning",
                "",
            )
        )

    def end_previous(self) -> None:
        """Stop a server that outlived its supervisor."""
        note = self.home.valkey / "valkey.pid"
        if not note.exists():
            return
        pid = int(note.read_text().strip() or "0")
        if (
            pid
            and str(self.config) in processes.command_line(pid)
            and not processes.end_stranger(pid, self.STOP)
        ):
            raise errors.ServerFailed(f"an earlier Valkey (process {pid}) does not stop: kill -9 {pid}")
        note.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """Whether it answers. Raises ServerFailed when it has ended."""
        if self.process is None or self.process.poll() is not None:
            raise errors.ServerFailed("Valkey ended while it started")
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.home.credentials()['valkey']}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = connection.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def stop(self) -> None:
        """Shut down with a save, then by force."""
        if self.process is None:
            return
        for number, patience in self.STOP:
            self.process.send_signal(number)
            if processes.wait(self.process, patience):
                break
        processes.sweep(self.process)
        self.process = None
