"""Beat's database scheduler with one leader at a time: a second beat waits and takes over.

A run is recorded in its row before its task is published, and only while the row still has the previous run: two beats
that both believe to lead publish it once. A row that cannot be followed is disabled, with a note.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
import structlog
from celery.schedules import schedstate
from django.conf import settings
from django.db import Error as DjangoError
from django.db import close_old_connections, connection
from django.db.models import F
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry
from django_celery_beat.utils import NEVER_CHECK_TIMEOUT
from kombu.exceptions import OperationalError as BrokerError

from infrastructure.database import budget
from infrastructure.database.connection import Connection
from infrastructure.scheduling import heartbeat
from infrastructure.telemetry import metrics

_LOCK: Final = 7_305_002
# The beginning of the note on a disabled schedule.
DISABLED: Final = "Disabled on "
_log = structlog.get_logger(__name__)


def _connect() -> psycopg.Connection[Any]:
    """A connection of its own, which neither a pool nor Django closes, since the lock lasts as long as it."""
    parameters = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name in ("host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "connect_timeout")
    }
    # A vanished server is noticed within seconds, not after hours of TCP retransmission.
    made: psycopg.Connection[Any] = Connection.connect(
        **parameters,
        autocommit=True,
        application_name="beat-leader",
        keepalives_idle=5,
        tcp_user_timeout=5000,
    )
    return made


class Leadership:
    """A session-level advisory lock of PostgreSQL, released whenever and however its holder ends."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]] = _connect) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._held = False

    def hold(self) -> bool:
        """Take the lock, or verify that it is still held.

        Returns False when another session holds it, or the database does not answer in time.
        """
        try:
            with budget.request(time.monotonic()):
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
        """Let another beat lead."""
        if self._connection is not None:
            # Unlocking is immediate; the server would notice a closed connection a moment later.
            with contextlib.suppress(psycopg.Error), budget.request(time.monotonic()):
                self._connection.execute("SELECT pg_advisory_unlock_all()")
            self._connection.close()
        self._connection, self._held = None, False


def disable(model: PeriodicTask, reason: str) -> None:
    """Disable a schedule and prepend the reason to its description."""
    _log.error("beat.schedule_disabled", schedule=model.name, reason=reason)
    note = f"{DISABLED}{timezone.now():%Y-%m-%d %H:%M} UTC: {reason}"
    description = "\n".join([note, *without_note(model.description).splitlines()])
    model.enabled = False
    PeriodicTask.objects.filter(pk=model.pk).update(enabled=False, last_run_at=None, description=description)


def without_note(description: str) -> str:
    """The description of a schedule without the note of `disable`."""
    first, _, rest = description.partition("\n")
    return rest if first.startswith(DISABLED) else description


class NotedEntry(ModelEntry):  # type: ignore[misc]  # django-celery-beat has no types
    """A row of the schedule, with the time of its recorded run."""

    def __init__(self, model: PeriodicTask, app: Any = None) -> None:
        self.noted_at = model.last_run_at  # the base fills in a time where there is none
        super().__init__(model, app=app)
        if not (isinstance(self.args, list) and isinstance(self.kwargs, dict)):
            raise ValueError("the arguments are no list and no object")  # noqa: TRY004  (of the row)
        if self.task not in self.app.tasks:
            raise ValueError(f"no task is named {self.task}")

    def is_due(self) -> Any:
        """Whether it is due, and the seconds until it is (again). A schedule that cannot be computed never is."""
        try:
            return super().is_due()
        except (DjangoError, OSError):
            raise
        except Exception as error:  # noqa: BLE001  (noted in the row)
            disable(self.model, f"its schedule cannot be reckoned: {error!r}")
            return schedstate(is_due=False, next=NEVER_CHECK_TIMEOUT)

    def note(self) -> bool:
        """Record the run that is due now. Returns False when another beat has it, or the row was disabled."""
        row = PeriodicTask.objects.filter(pk=self.model.pk, enabled=True, last_run_at=self.noted_at)
        if self.noted_at is None:
            row = PeriodicTask.objects.filter(pk=self.model.pk, enabled=True, last_run_at__isnull=True)
        # Not by the model, whose `save` would mark the row as changed by hand.
        return bool(row.update(last_run_at=self.model.last_run_at, total_run_count=F("total_run_count") + 1))

    def take_back(self) -> None:
        """Record that the run did not happen."""
        row = PeriodicTask.objects.filter(pk=self.model.pk, last_run_at=self.model.last_run_at)
        row.update(last_run_at=self.noted_at, total_run_count=F("total_run_count") - 1)


class LeaderScheduler(DatabaseScheduler):  # type: ignore[misc]  # as above
    """django-celery-beat's scheduler that publishes only while it leads, and survives outages."""

    Entry = NotedEntry
    _schedule: Any = None
    _leads = False

    def __init__(self, *args: Any, leadership: Leadership | None = None, **kwargs: Any) -> None:
        self._leadership = leadership or Leadership()
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Deferred: there may be another leader, or no database."""

    def took_the_lead(self) -> None:
        """A hook that runs before the schedule is read."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One round; returns seconds until the next. Touches HEARTBEAT_FILE, as leader or not."""
        try:
            delay = self._round(*args, **kwargs)
        except (DjangoError, BrokerError) as error:
            _log.warning("beat.away", error=repr(error))
            self._forget()
            close_old_connections()
            delay = 1.0
        metrics.BEAT_LEADER.set(self._leads)
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
            self._leads = False  # until this has worked
            with budget.request(time.monotonic()):
                self.took_the_lead()
            self._forget()
            self._leads = True
        with budget.request(time.monotonic()):
            delay: float = super().tick(*args, **kwargs)
        return delay

    def _forget(self) -> None:
        """Have the schedule read again: runs of other leaders are recorded in the database only."""
        self._dirty.clear()
        self._initial_read = True
        self._schedule = self._heap = None

    def enabled_models_qs(self) -> Any:
        """All of them. The base leaves out crontabs of distant hours, and with them missed runs."""
        rows = PeriodicTask.objects.filter(enabled=True, last_run_at=None, start_time=None)
        # Otherwise the first run would be reckoned from the last change of the row, and put off by each.
        rows.update(last_run_at=F("date_changed"))
        return PeriodicTask.objects.enabled()

    def all_as_schedule(self) -> dict[str, NotedEntry]:
        """The enabled rows that can be followed; the others are disabled."""
        entries = {}
        for model in self.enabled_models():
            try:
                entries[model.name] = self.Entry(model, app=self.app)
            except (DjangoError, OSError):
                raise
            except Exception as error:  # noqa: BLE001  (noted in the row)
                disable(model, str(error))
        return entries

    def reserve(self, entry: NotedEntry) -> Any:
        """The entry after its run. It replaces the previous one, from which the base would schedule the same run again."""
        following = super().reserve(entry)
        self._dirty.clear()  # `apply_entry` writes it
        self._schedule[following.name] = following
        return following

    def apply_entry(self, entry: NotedEntry, producer: Any = None) -> None:
        """Record the run and publish its task. Raises kombu's OperationalError, with the run taken back."""
        if not entry.note():
            _log.info("beat.noted_by_another", schedule=entry.name)
            self._forget()
            return
        try:
            self.app.tasks[entry.task].apply_async(
                entry.args, entry.kwargs, producer=producer, **entry.options
            )
        except BrokerError:
            entry.take_back()
            raise
        except Exception as error:  # noqa: BLE001  (noted in the row)
            disable(entry.model, f"its task cannot be published: {error!r}")
            self._forget()

    def _ensure_connected(self) -> Any:
        return self.connection.ensure_connection(max_retries=1, timeout=5)

    def close(self) -> None:
        """Save pending changes, then let another beat lead."""
        super().close()
        self._leadership.release()
