"""An event whose task does nothing, and the same task without an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from celery import shared_task

from apps.common import events


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingHappened(events.Event):
    """Something happened."""

    name: ClassVar[str] = "benchmarks.thing_happened"
    thing_id: UUID


@shared_task(name="benchmarks.background.work")
def work(*, thing_id: str) -> None:
    """Does nothing."""


events.on(ThingHappened, task=work)
