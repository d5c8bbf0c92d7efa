"""The time zones of a schedule: all of them, once they are asked for, and no trace of that in migrations."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.core.exceptions import ValidationError
from django_celery_beat.models import CrontabSchedule
from timezone_field import TimeZoneField

FIELD = CrontabSchedule._meta.get_field("timezone")


def test_every_zone_is_offered_as_the_library_does_it() -> None:
    stock = TimeZoneField(use_pytz=False)
    assert list(FIELD.choices) == list(stock.choices)
    assert {str(zone) for zone, _ in FIELD.choices} == available_timezones() - {"Factory"}
    assert (ZoneInfo("America/New_York"), "America/New York") in FIELD.formfield().choices


def test_a_schedule_has_a_zone_that_exists() -> None:
    schedule = CrontabSchedule(timezone=ZoneInfo("Europe/Vienna"))
    schedule.clean_fields()
    assert schedule.get_timezone_display() == "Europe/Vienna"
    with pytest.raises(ValidationError):
        CrontabSchedule(timezone="Mars/Olympus").clean_fields()


def test_migrations_know_nothing_of_it() -> None:
    *_, options = FIELD.deconstruct()
    assert options.keys() == {"default", "help_text", "use_pytz", "verbose_name"}
