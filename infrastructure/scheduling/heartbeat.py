"""A file that the worker and beat keep touching, so that a health check costs a look at its age. Nothing else lives here.

Asking a worker over the broker (`celery inspect ping`) starts a whole Django for every answer. The file says the same:
the worker touches it when it sends its heartbeat, which it stops doing without its event loop or its broker; beat
touches it at every round of its schedule (`infrastructure.scheduling.beat_leader`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery.signals import heartbeat_sent

_DISPATCH_UID = "infrastructure.scheduling.heartbeat"


def touch(path: str) -> None:
    """Set the file's time to now. An empty path: no health check looks, nothing happens."""
    if path:
        Path(path).touch(mode=0o600)


def install(path: str) -> None:
    """Touch the file at each heartbeat of the worker in this process (every 2 s). Call it before the worker starts."""

    def on_heartbeat(**_: Any) -> None:
        touch(path)

    if path:
        heartbeat_sent.connect(on_heartbeat, weak=False, dispatch_uid=_DISPATCH_UID)
