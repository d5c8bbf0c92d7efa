"""Writes the periodic tasks that slices declare into the table that the admin site edits.

A slice declares them in `tasks.SCHEDULE`, in the form of Celery's `beat_schedule`; `config.celery` collects them. The
leading beat writes new and changed declarations field by field, but keeps fields that were edited in the admin site. A
removed declaration disables its schedule, with a note (docs/guides/background-work.md).
"""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import structlog
from django.db import connection, transaction
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry

from apps.common.models import DeclaredSchedule
from infrastructure.scheduling.beat_leader import DISABLED, LeaderScheduler, disable, without_note

_LOCK: Final = 7_305_003
_SCHEDULES: Final = ("interval", "crontab", "solar", "clocked")
_FIELDS: Final = ("task", "args", "kwargs", "queue", "priority", "expire_seconds")
_OPTIONS: Final = {"queue", "priority", "expire_seconds"}
REMOVED: Final = "it is not declared any more"
_log = structlog.get_logger(__name__)


class Scheduler(LeaderScheduler):
    """Beat's scheduler. Writes the declarations when it becomes the leader."""

    def took_the_lead(self) -> None:
        synchronise(self.app.conf.beat_schedule)


def synchronise(declared: dict[str, dict[str, Any]]) -> None:
    """Write new and changed declarations, and disable the schedules of removed ones.

    Raises ValueError for a declaration with an unknown option.
    """
    with transaction.atomic():
        # Two beats may both consider themselves the leader.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        known = {row.name: row for row in DeclaredSchedule.objects.all()}
        rows = {row.name: row for row in PeriodicTask.objects.filter(name__in=[*declared, *known])}
        for name, declaration in declared.items():
            digest = sha256(json.dumps(declaration, sort_keys=True, default=repr).encode()).hexdigest()
            row, before = rows.get(name), known.get(name)
            if row is None or before is None or before.digest != digest or _was_removed(row):
                values = _write(_wanted(name, declaration), row, before.values if before else None)
                DeclaredSchedule.objects.update_or_create(
                    name=name, defaults={"digest": digest, "values": values}
                )
                _log.info("beat.declaration_written", name=name, declared=values)
        for name in known.keys() - declared.keys():
            if name in rows:
                disable(rows[name], REMOVED)
            known[name].delete()


def _write(wanted: PeriodicTask, row: PeriodicTask | None, before: dict[str, Any] | None) -> dict[str, Any]:
    """Write the declared fields into the row, except those edited in the admin site. Returns the declared fields."""
    declared = values_of(wanted)
    if row is None:
        # The first run follows after one interval, or at the next time of the crontab.
        wanted.last_run_at = timezone.now()
        wanted.save()
        return declared
    current = values_of(row)
    for field in declared:
        if before is None or current[field] == before.get(field):
            for name in _SCHEDULES if field == "schedule" else (field,):
                setattr(row, name, getattr(wanted, name))
    if _was_removed(row):
        row.enabled, row.description = True, without_note(row.description)
        row.last_run_at = timezone.now()
    row.save()
    return declared


def _was_removed(row: PeriodicTask) -> bool:
    """Whether the schedule was disabled because its declaration was removed."""
    note = row.description.partition("\n")[0]
    return not row.enabled and note.startswith(DISABLED) and note.endswith(REMOVED)


def _wanted(name: str, declaration: dict[str, Any]) -> PeriodicTask:
    """The row of a declaration, not saved."""
    options = dict(declaration.get("options") or {})
    if "expires" in options:
        options["expire_seconds"] = options.pop("expires")  # from Celery's name to that of django-celery-beat
    if unknown := options.keys() - _OPTIONS:
        raise ValueError(f"The schedule {name} has unknown options: {sorted(unknown)}.")
    if options.get("expire_seconds") is not None:
        options["expire_seconds"] = round(options["expire_seconds"])
    fields = ModelEntry._unpack_fields(**{**declaration, "options": options})  # noqa: SLF001  (finds or creates the interval)
    return PeriodicTask(name=name, **fields)


def values_of(row: PeriodicTask) -> dict[str, Any]:
    """The fields of a row that a declaration sets, as JSON, with the schedule as text."""
    schedule = str(row.scheduler)
    if row.interval is not None:
        seconds = timedelta(**{row.interval.period: row.interval.every}).total_seconds()
        schedule = f"every {seconds:g} seconds"
    return {"schedule": schedule, **{field: getattr(row, field) for field in _FIELDS}}


def edited_fields(row: PeriodicTask, declared: DeclaredSchedule) -> dict[str, Any]:
    """The declared values of fields that were edited in the admin site."""
    current = values_of(row)
    return {field: value for field, value in declared.values.items() if current.get(field) != value}
