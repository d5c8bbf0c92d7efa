"""Registers the app, and how people prove who they are."""

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
        """Offer the authenticators "bearer" and "session" to the zone table."""
        from apps.users import authentication

        authentication.register()
        post_migrate.connect(_restore_roles, sender=self, dispatch_uid="apps.users.roles")


def _restore_roles(apps: Apps = registry, **_: Any) -> None:
    """The roles that the project counts on, in a database that has a table for them yet."""
    from apps.users import services

    with suppress(LookupError):
        services.restore_defaults(apps.get_model("users", "Role"))
