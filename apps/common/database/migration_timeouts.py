"""Lifts the statement timeout during migrations, since building an index on a large table takes minutes.

The lock timeout stays, because a waiting ALTER TABLE blocks all later queries; the migration can be run again.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


def install(config: AppConfig) -> None:
    """Connect the signals of `config`, which are sent once for each run."""
    pre_migrate.connect(_lift, sender=config, dispatch_uid="common.migrating")
    post_migrate.connect(_restore, sender=config, dispatch_uid="common.migrating")


def _lift(*, using: str, **_: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")


def _restore(*, using: str, **_: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("RESET statement_timeout")
