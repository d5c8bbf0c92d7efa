"""Beat's scheduler out of the database, led by one beat at a time: a second one stands by and takes over.

The schedules are declared by the slices and edited in the admin site; this only decides who follows them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final

import psycopg
import structlog
from django.conf import settings
from django.db import connection
from django_celery_beat.schedulers import DatabaseScheduler

from infrastructure.scheduling import heartbeat

_LOCK: Final = 7_305_002
_log = structlog.get_logger(__name__)


def _connect() -> psycopg.Connection[Any]:
    """A connection that belongs to nobody else: neither a pool nor Django closes it, and the lock lives as long as it."""
    parameters = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name in ("host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "connect_timeout")
    }
    # A server that vanished without a word is noticed within seconds, not after hours of TCP retransmission.
    return psycopg.connect(
        **parameters,
        autocommit=True,
        application_name="beat-leader",
        keepalives_idle=5,
        tcp_user_timeout=5000,
    )


class Leadership:
    """A session-level advisory lock of PostgreSQL: it falls free when its holder ends, however it ends."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]] = _connect) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._held = False

    def hold(self) -> bool:
        """Take the lock, or make sure that it is still held. False when another holds it or the database is away."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            if self._held:
                self._connection.execute("SELECT 1")
            else:
                row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
                self._held = bool(row and row[0])
        except psycopg.Error as error:
            _log.warning("beat.database_away", error=repr(error))
            self.release()
        return self._held

    def release(self) -> None:
        """Let another one lead."""
        if self._connection is not None:
            # The server notices a closed connection a moment later; unlocked is unlocked at once.
            with contextlib.suppress(psycopg.Error):
                self._connection.execute("SELECT pg_advisory_unlock_all()")
            self._connection.close()
        self._connection, self._held = None, False


class LeaderScheduler(DatabaseScheduler):  # type: ignore[misc]  # django-celery-beat has no types
    """django-celery-beat's scheduler that only sends tasks while it leads."""

    _schedule: Any = None

    def __init__(self, *args: Any, leadership: Leadership | None = None, **kwargs: Any) -> None:
        self._leadership = leadership or Leadership()
        self._leads = False
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One round; seconds until the next. While another beat leads, only the wait. Touches HEARTBEAT_FILE."""
        delay = self._round(*args, **kwargs)
        heartbeat.touch(settings.HEARTBEAT_FILE)
        return delay

    def _round(self, *args: Any, **kwargs: Any) -> float:
        led, self._leads = self._leads, self._leadership.hold()
        if not self._leads:
            if led:
                _log.warning("beat.leadership_lost")
            return float(self.max_interval)
        if not led:
            _log.info("beat.leads")
            # What the last leader sent is noted in the database; what this one read at its start is old.
            self._dirty.clear()
            self._initial_read = True
            self._schedule = None
            self._heap = None
        delay: float = super().tick(*args, **kwargs)
        return delay

    def reserve(self, entry: Any) -> Any:
        """The entry after its run. It replaces the one before in the schedule, too.

        The base class leaves that one there with the old time of its last run; when the schedule changes in the very
        round in which an entry is sent, the plan is made anew from those, and the entry would be sent a second time.
        """
        following = super().reserve(entry)
        self._schedule[following.name] = following
        return following

    def close(self) -> None:
        """Save what is to be saved, then let another one lead."""
        super().close()
        self._leadership.release()
