"""Provides this checkout's servers to one command: the running ones, or its own for the duration of the command."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from infrastructure.embedded import console, data_dirs, errors, servers, state


@contextlib.contextmanager
def servers_of(
    checkout: Path, *, what: str, environ: Mapping[str, str] = os.environ
) -> Iterator[dict[str, str]]:
    """Yield DATABASE_URL and REDIS_URL: from the environment or .env, of the running stack, or of servers started here.

    Servers that other commands use meanwhile are stopped after them. Raises EmbeddedError.
    """
    given = servers.external(checkout, environ)
    if len(given) == len(servers.NAMES):
        yield given
        return
    folder = data_dirs.local_folder(checkout)
    claim = state.Claim(folder)
    if not claim.take():
        with state.using(folder):
            running = claim.owner()
            if running is None:
                raise errors.EmbeddedError(
                    "the servers of this checkout are just starting or stopping: try again in a moment"
                )
            yield running.urls
        return
    try:
        with servers.Servers(data_dirs.persistent(checkout), durable=True, given=given) as own:
            claim.publish(state.Running(pid=os.getpid(), what=what, site="", urls=own.urls))
            try:
                yield own.urls
            finally:
                while state.in_use(folder):
                    time.sleep(0.1)
    finally:
        claim.release()


@contextlib.contextmanager
def environment_with_servers() -> Iterator[None]:
    """Set both variables in this process. A failure is one line on standard error."""
    try:
        with servers_of(data_dirs.CHECKOUT, what=" ".join(sys.argv)) as urls:
            os.environ.update(urls)
            yield
    except errors.EmbeddedError as error:
        console.stderr(str(error))
        sys.exit(1)
