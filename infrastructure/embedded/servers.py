"""Both servers of a checkout: started together, or left out where the environment names others."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from infrastructure import dot_env
from infrastructure.embedded import data_dirs, errors, processes
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.valkey import Valkey

PATIENCE = 60.0  # seconds for a first start on a slow disk, recovery after a crash included
LOST_PORT = re.compile(r"address already in use|could not bind", re.IGNORECASE)
NAMES = ("DATABASE_URL", "REDIS_URL")


def written(checkout: Path) -> dict[str, str]:
    """The values of the checkout's .env. Raises EmbeddedError when it cannot be read."""
    try:
        return dot_env.read(checkout / ".env")
    except dot_env.DotEnvError as error:
        raise errors.EmbeddedError(str(error)) from None


def external(checkout: Path = data_dirs.CHECKOUT, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """DATABASE_URL and REDIS_URL from the environment or .env; the environment wins."""
    return from_environment(written(checkout)) | from_environment(environ)


def from_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The addresses from the environment alone: tests ignore .env, whose database holds a developer's data."""
    return {name: environ[name] for name in NAMES if environ.get(name)}


class Servers:
    """The servers that the environment does not name. `urls` has the addresses of all."""

    def __init__(self, home: data_dirs.Home, *, durable: bool, given: Mapping[str, str]) -> None:
        self.given = dict(given)
        self.members: dict[str, Postgres | Valkey] = {}
        # Stopped in this order.
        if "REDIS_URL" not in self.given:
            self.members["REDIS_URL"] = Valkey(home, durable=durable)
        if "DATABASE_URL" not in self.given:
            self.members["DATABASE_URL"] = Postgres(home, durable=durable)
        self.log = home.path / "servers.log"

    @property
    def urls(self) -> dict[str, str]:
        return self.given | {name: member.url for name, member in self.members.items()}

    def begin(self, outputs: Mapping[str, int | IO[bytes]] | None = None) -> None:
        """Start them without waiting; without `outputs` their output goes to a log file in the home."""
        if outputs is not None:
            for name, member in self.members.items():
                member.begin(outputs[name])
            return
        data_dirs.write_private(self.log, "")
        with self.log.open("wb") as log:
            for member in self.members.values():
                member.begin(log)

    def are_ready(self) -> bool:
        return all(member.is_ready() for member in self.members.values())

    def wait(self) -> None:
        """Wait until all accept connections. Raises ServerFailed with the end of the log."""
        deadline = time.monotonic() + PATIENCE
        try:
            while not self.are_ready():
                if time.monotonic() > deadline:
                    raise errors.ServerFailed(f"the database servers did not start within {PATIENCE:.0f} s")
                time.sleep(processes.POLL)
        except errors.ServerFailed as error:
            raise errors.ServerFailed("\n  ".join([str(error), *self.last_words()])) from error

    def last_words(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return self.log.read_text(errors="replace").splitlines()[-6:]
        return []

    def stop(self) -> None:
        for member in self.members.values():
            member.stop()

    def __enter__(self) -> Self:
        for attempt in range(3):
            try:
                self.begin()
                self.wait()
            except BaseException as error:
                self.stop()
                # Another process may have taken the port since it was found free.
                if attempt == 2 or not LOST_PORT.search(str(error)):
                    raise
            else:
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextlib.contextmanager
def throwaway(given: Mapping[str, str]) -> Iterator[Servers]:
    """Servers for one test session: fast, not durable, removed at the end."""
    with data_dirs.throwaway() as home, Servers(home, durable=False, given=given) as servers:
        yield servers
