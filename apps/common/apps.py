"""Registers the app, the handlers of every slice, and the signals of Celery and of migrations."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "apps.common"
    label = "common"

    def ready(self) -> None:
        from apps.common import slices
        from apps.common.database import migration_timeouts
        from apps.common.tasks import celery_task

        slices.require_needs()
        celery_task.install()
        migration_timeouts.install(self)
        for _ in slices.modules("handlers"):
            pass  # importing a module registers its handlers
