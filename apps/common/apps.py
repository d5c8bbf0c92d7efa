"""Registers the app; finds every slice's handlers, follows what becomes of tasks, gives migrations time."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    """`apps.common`, labelled `common`."""

    name = "apps.common"
    label = "common"

    def ready(self) -> None:
        """Import `handlers.py` of every slice, so that each process knows who listens to what."""
        from apps.common import slices
        from apps.common.database import migration_timeouts
        from apps.common.tasks import celery_task

        slices.require_needs()
        celery_task.install()
        migration_timeouts.install(self)
        for _ in slices.modules("handlers"):
            pass  # importing a module registers its handlers
