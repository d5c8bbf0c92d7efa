"""Registers the app and its authenticators."""

from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.apps import apps as registry
from django.apps.registry import Apps
from django.db.models.signals import post_migrate


class UsersConfig(AppConfig):
    """`apps.users`, labelled `users`: accounts, sign-ins, tokens, roles."""

    name = "apps.users"
    label = "users"

    def ready(self) -> None:
        """Register the authenticators "bearer", "ticket" and "session"."""
        from apps.users import authentication

        authentication.register()
        post_migrate.connect(_restore_roles, sender=self, dispatch_uid="apps.users.roles")


def _restore_roles(apps: Apps = registry, **_: Any) -> None:
    """Create the built-in roles where the database has the table."""
    from apps.users import services

    with suppress(LookupError):
        services.restore_defaults(apps.get_model("users", "Role"))
