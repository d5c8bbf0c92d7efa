"""A file that the worker and beat touch regularly, so that a health check only looks at its age.

Asking a worker over the broker (`celery inspect ping`) starts a whole Django for every answer. The worker touches the file
with its heartbeat, which takes a running event loop and a broker; beat touches it at every round of its schedule
(`infrastructure.scheduling.beat_leader`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery.signals import heartbeat_sent

_DISPATCH_UID = "infrastructure.scheduling.heartbeat"


def touch(path: str) -> None:
    """Set the file's time to now. Does nothing for an empty path."""
    if path:
        Path(path).touch(mode=0o600)


def install(path: str) -> None:
    """Touch the file at each heartbeat of the worker in this process (every 2 s). Call it before the worker starts."""

    def on_heartbeat(**_: Any) -> None:
        touch(path)

    if path:
        heartbeat_sent.connect(on_heartbeat, weak=False, dispatch_uid=_DISPATCH_UID)
