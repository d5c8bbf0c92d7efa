"""Beat's scheduler, showing that it is alive. Which beat leads is decided in infrastructure.scheduling.beat_leader."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from infrastructure.scheduling import heartbeat
from infrastructure.scheduling.beat_leader import LeaderScheduler


class WatchedScheduler(LeaderScheduler):
    """Touches HEARTBEAT_FILE at each round, which are at most CELERY_BEAT_MAX_LOOP_INTERVAL apart, leading or not."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One round. Seconds until the next one is due."""
        delay = super().tick(*args, **kwargs)
        heartbeat.touch(settings.HEARTBEAT_FILE)
        return delay
