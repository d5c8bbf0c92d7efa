"""Tests that commit leave no trace."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from apps.common.models import DeadTask, OutboxEvent
from apps.common.testing.waiting import wait_until
from apps.common.tests import baseline


@pytest.mark.django_db(transaction=True)
def test_rows_are_as_the_migrations_left_them_again() -> None:
    permissions = list(Permission.objects.order_by("pk").values_list())
    assert permissions
    OutboxEvent.objects.create(name="x", payload={})
    Permission.objects.filter(pk=permissions[0][0]).update(name="changed")
    ContentType.objects.filter(pk=permissions[1][2]).delete()
    baseline.restore()
    assert list(Permission.objects.order_by("pk").values_list()) == permissions
    assert OutboxEvent.objects.count() == 0


def is_truncation_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted)"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_reader_that_deadlocks_with_the_truncation_does_not_stop_it() -> None:
    tables = [OutboxEvent._meta.db_table, DeadTask._meta.db_table]
    first, last = sorted(tables, key=connection.introspection.django_table_names(only_existing=True).index)
    has_read = threading.Event()

    def read_in_reverse() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '1min'")  # the truncation is the one that gives way
            cursor.execute(f'SELECT FROM "{last}"')
            has_read.set()
            wait_until(is_truncation_waiting)
            cursor.execute(f'SELECT FROM "{first}"')
        connection.close()

    OutboxEvent.objects.create(name="x", payload={})
    DeadTask.objects.create(task_id="x", error="x")
    reader = threading.Thread(target=read_in_reverse)
    reader.start()
    assert has_read.wait(10)
    baseline.restore()
    reader.join(10)
    assert (OutboxEvent.objects.count(), DeadTask.objects.count()) == (0, 0)
