"""A database that has run, and what a removed slice left in it. For the tests of removal.

    python scripts/used_database.py fill             migrate, load the demo, and add rows that name each slice
    python scripts/used_database.py check chat ...   exit 1 and tell what is left of removed slices

Both use DATABASE_URL and REDIS_URL.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def fill() -> None:
    """What a year of work leaves: schedules, grants, pending events, dead tasks, scopes of keys. Needs Django set up."""
    from django.core.management import call_command
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    from apps.api.models import ServiceKey
    from apps.common import events, slices
    from apps.common.models import DeadTask, OutboxEvent
    from apps.common.tasks import schedules
    from config.celery import app

    call_command("prepare", "--demo", verbosity=0)
    app.finalize()
    schedules.synchronise(app.conf.beat_schedule)
    every, _ = IntervalSchedule.objects.get_or_create(every=7, period="days")
    labels = [label for label, _ in slices.modules("tasks")]
    for label in labels:
        task = f"apps.{label}.tasks.something"
        PeriodicTask.objects.create(name=f"weekly {label}", task=task, interval=every)
        dead = DeadTask.objects.create(task_id="1", name=task, error="ValueError: no")
        payload = {"dead_task_id": str(dead.pk)}
        OutboxEvent.objects.create(name="common.task_replayed", payload=payload)
    names = {kind.name for kind in events.Event.__subclasses__()}
    for name in sorted(names - set(OutboxEvent.objects.values_list("name", flat=True))):
        OutboxEvent.objects.create(name=name)
    scopes = [f"api:internal:v1:{label}:list" for label in labels]
    ServiceKey.objects.create(name="used", prefix="used", digest=b"used", scopes=scopes)


def settle() -> None:
    """Do at once what a removal leaves to tasks."""
    from apps.common import events
    from apps.common.models import OutboxEvent

    for row in OutboxEvent.objects.pending().filter(
        name__startswith="removed.", payload__has_any_keys=["label", "folder"]
    ):
        event = events.decode(row.name, row.payload)
        for handler in events.handlers_of(row.name).values():
            assert isinstance(handler, events.TaskHandler)
            handler.task.run(**handler.arguments(event, event_id=row.pk))
        row.delete()


def leftovers(label: str, *, tables_too: bool = True) -> Iterator[str]:
    """Tables, functions and rows that are left of a removed slice. The audit log keeps its history."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'function ' || proname FROM pg_proc WHERE proname LIKE %(own)s AND pronamespace = 'public'::regnamespace"
            " UNION ALL SELECT 'table ' || tablename FROM pg_tables WHERE tablename LIKE %(own)s AND schemaname = 'public'",
            {"own": rf"{label}\_%"},
        )
        owned = [name for (name,) in cursor.fetchall()]
        if tables_too:
            yield from owned
        for table in connection.introspection.table_names(cursor):
            own = f"table {table}" in owned or (
                table in ("django_migrations", "django_content_type") and not tables_too
            )
            if table != "common_auditevent" and not own:
                # In names of tasks, events, permissions and kinds, in scopes of keys, and as the label of an app.
                cursor.execute(
                    f'SELECT row::text FROM "{table}" AS row WHERE row::text ~ %s',
                    [rf"\y{label}[.:]|[(,]{label},"],
                )
                yield from (f"{table}: {row}" for (row,) in cursor.fetchall())


def main(arguments: Sequence[str]) -> int:
    """Fill or check. 1 when something is left."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    import django

    django.setup()
    if list(arguments) == ["fill"]:
        fill()
        return 0
    settle()
    found = [line for label in arguments[1:] for line in leftovers(label)]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
