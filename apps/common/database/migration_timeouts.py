"""What migrations may take: an index over a large table is built for minutes, which no request would be allowed to.

Waiting for a lock stays bounded: an ALTER TABLE that waits holds up everyone behind it, and may be tried again.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


def install(config: AppConfig) -> None:
    """Lift the time limit of statements before migrations run, and set it again afterwards; `config` is sent once."""
    pre_migrate.connect(_lift, sender=config, dispatch_uid="common.migrating")
    post_migrate.connect(_restore, sender=config, dispatch_uid="common.migrating")


def _lift(*, using: str, **_: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")


def _restore(*, using: str, **_: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("RESET statement_timeout")
