"""django-celery-beat as an installed app, whose one field for a time zone reads all six hundred when they are asked for.

By itself it reads them at each start of each process, to offer them in a form of the admin site.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.choices import BaseChoiceIterator
from django_celery_beat.apps import BeatConfig


class _Zones:
    """The zones themselves, in no order."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def __iter__(self) -> Iterator[Any]:
        return map(self._backend.to_tzobj, self._backend.base_tzstrs)


class _Choices(BaseChoiceIterator):
    """The zones as a form offers them."""

    def __init__(self, zones: _Zones) -> None:
        self._zones = zones

    def __iter__(self) -> Iterator[Any]:
        from timezone_field.choices import standard

        yield from standard(self._zones)


class SchedulesConfig(BeatConfig):  # type: ignore[misc]  # untyped
    """The app of django-celery-beat."""

    def import_models(self) -> None:
        """While its models are made, the field is told of no zone."""
        from timezone_field.backends import get_tz_backend

        backend: Any = get_tz_backend(use_pytz=False)
        backend.base_tzstrs = ()
        try:
            super().import_models()
        finally:
            # What the class has is there again.
            del backend.base_tzstrs
        field: Any = self.get_model("CrontabSchedule", require_ready=False)._meta.get_field("timezone")
        field.default_tzs = _Zones(backend)
        field.choices = _Choices(field.default_tzs)
