"""Registers the app; finds every slice's handlers, records tasks that fail for good, gives migrations time."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig, apps


class CommonConfig(AppConfig):
    """`apps.common`, labelled `common`."""

    name = "apps.common"
    label = "common"

    def ready(self) -> None:
        """Import `handlers.py` of every slice, so that each process knows who listens to what."""
        from apps.common import celery_task
        from apps.common.database import migration_timeouts

        celery_task.install()
        migration_timeouts.install(self)
        for config in apps.get_app_configs():
            name = f"{config.name}.handlers"
            if config.name.startswith("apps.") and find_spec(name) is not None:
                import_module(name)
