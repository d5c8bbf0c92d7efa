"""The context of the current call: its request id, bound to every log line and passed on, and its network."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import structlog

REQUEST_ID: Final = "request_id"
MAX_REQUEST_ID: Final = 128
_SANE = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_REQUEST_ID}}}")
# Not among the key-values of log lines: only audit events record it.
_network: Final[ContextVar[str]] = ContextVar("network", default="")


def new_request_id() -> str:
    """32 random hexadecimal digits."""
    return os.urandom(16).hex()


def accept_request_id(offered: str | None) -> str:
    """The id that a client offered when it is 1 to 128 of `A-Za-z0-9._-`, else a new one."""
    if offered is not None and _SANE.fullmatch(offered):
        return offered
    return new_request_id()


def request_id() -> str:
    """The id of the current request, socket or task; empty outside of any."""
    value: str = structlog.contextvars.get_contextvars().get(REQUEST_ID, "")
    return value


def remember_network(network: str) -> None:
    """Record the network of the caller until `clear`."""
    _network.set(network)


def network() -> str:
    """The recorded network of the caller; empty outside of any call."""
    return _network.get()


def bind(**values: Any) -> None:
    """Add key-values to every log line of this context."""
    structlog.contextvars.bind_contextvars(**values)


def clear() -> None:
    """Unbind everything: threads and event loops are reused."""
    structlog.contextvars.clear_contextvars()
    _network.set("")


@contextmanager
def bound(**values: Any) -> Iterator[None]:
    """Bind key-values for a block, and restore the earlier ones afterwards."""
    with structlog.contextvars.bound_contextvars(**values):
        yield
