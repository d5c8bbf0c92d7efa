"""The tasks that follow from an event, for tests of `handlers.py`. Runs none of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.common import events

EVENT_ID = UUID(int=1)


def tasks_of(event: events.Event) -> dict[str, dict[str, Any]]:
    """Maps the names of the tasks to their arguments."""
    handlers = events.handlers_of(event.name).values()
    return {
        one.task.name: one.arguments(event, event_id=EVENT_ID)
        for one in handlers
        if isinstance(one, events.TaskHandler)
    }
