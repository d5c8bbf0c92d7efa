"""Loading of timestamps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from django.db import connection
from django.db.backends.postgresql.base import TIMESTAMPTZ_OID
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


def test_timestamps_are_in_utc_and_loaded_by_psycopg_itself() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT '2026-03-01 12:00:00.000123+02'::timestamptz, NULL::timestamptz")
        moment, nothing = cursor.fetchone()
        loader = cursor.adapters.get_loader(TIMESTAMPTZ_OID, psycopg.pq.Format.TEXT)
    assert moment == datetime(2026, 3, 1, 12, 0, 0, 123, timezone(timedelta(hours=2)))
    assert (moment.tzinfo, nothing) == (UTC, None)
    assert loader is psycopg.adapters.get_loader(TIMESTAMPTZ_OID, psycopg.pq.Format.TEXT)
    assert loader.__module__.startswith("psycopg_")  # in C


def test_rows_of_a_named_cursor_have_the_same_timestamps() -> None:
    found = list(MigrationRecorder.Migration.objects.values_list("applied", flat=True).iterator(chunk_size=2))
    assert {moment.tzinfo for moment in found} == {UTC}


def test_a_connection_with_another_time_zone_has_djangos_loader() -> None:
    zone = "Asia/Tokyo"
    other = connection.copy()
    other.settings_dict["OPTIONS"] = {**other.settings_dict["OPTIONS"], "pool": False}
    other.settings_dict["TIME_ZONE"] = zone
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT '2026-03-01 12:00:00+02'::timestamptz")
            (moment,) = cursor.fetchone()
    finally:
        other.close()
    assert str(moment.tzinfo) == zone
    assert moment == datetime(2026, 3, 1, 10, tzinfo=UTC)
