"""Beat's scheduler out of the database, showing that it is alive. The schedules themselves are declared by the slices."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from infrastructure import heartbeat
from infrastructure.beat import LeaderScheduler


class WatchedScheduler(LeaderScheduler):
    """The leading scheduler; each round, at most CELERY_BEAT_MAX_LOOP_INTERVAL apart, touches HEARTBEAT_FILE."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One round. Seconds until the next one is due."""
        delay: float = super().tick(*args, **kwargs)
        heartbeat.touch(settings.HEARTBEAT_FILE)
        return delay
