"""Both servers of a checkout as one thing: started side by side, or left out where the environment names others."""

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
    """What the checkout's .env says. Raises EmbeddedError for one that cannot be read."""
    try:
        return dot_env.read(checkout / ".env")
    except dot_env.DotEnvError as error:
        raise errors.EmbeddedError(str(error)) from None


def external(checkout: Path = data_dirs.CHECKOUT, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """DATABASE_URL and REDIS_URL as the developer set them, by the environment or by .env (the former wins)."""
    return from_environment(written(checkout)) | from_environment(environ)


def from_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the environment alone names; tests do not look into .env, whose database is somebody's work."""
    return {name: environ[name] for name in NAMES if environ.get(name)}


class Servers:
    """The servers that the environment does not name already. `urls` says where all of them are."""

    def __init__(self, home: data_dirs.Home, *, durable: bool, given: Mapping[str, str]) -> None:
        self.given = dict(given)
        self.members: dict[str, Postgres | Valkey] = {}
        # In this order they are stopped: nothing that writes to PostgreSQL waits for Valkey.
        if "REDIS_URL" not in self.given:
            self.members["REDIS_URL"] = Valkey(home, durable=durable)
        if "DATABASE_URL" not in self.given:
            self.members["DATABASE_URL"] = Postgres(home, durable=durable)
        self.log = home.path / "servers.log"

    @property
    def urls(self) -> dict[str, str]:
        return self.given | {name: member.url for name, member in self.members.items()}

    def begin(self, outputs: Mapping[str, int | IO[bytes]] | None = None) -> None:
        """Start them without waiting; without `outputs` their words go to a log file in the home."""
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
        """Wait until all take connections. Raises ServerFailed with the end of the log."""
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
                # Between finding a port free and taking it, somebody else can have taken it.
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
    """Servers for one test session: fast, forgetful, gone at the end."""
    with data_dirs.throwaway() as home, Servers(home, durable=False, given=given) as servers:
        yield servers
