"""Service keys: named credentials of programs, hashed at rest, scoped to routes. `services` creates them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.common.models import BaseModel
from apps.common.text import validate_line

EVERYTHING = "*"


class ServiceKeyQuerySet(models.QuerySet["ServiceKey"]):
    def live(self, now: datetime) -> ServiceKeyQuerySet:
        """Neither revoked nor expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


class ServiceKey(BaseModel):
    """One key of one service. A service may have several active ones, so that keys can be replaced without downtime."""

    name = models.CharField(
        max_length=64,
        validators=[validate_line],
        help_text="the service that uses it; rates count by this name",
    )
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=200),
        default=list,
        help_text="route names like api:internal:v1:users:detail, or * for all",
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = ServiceKeyQuerySet.as_manager()

    class Meta:
        ordering = ("name", "created_at", "id")
        indexes = [models.Index(fields=["name"], name="api_servicekey_name")]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="api_servicekey_named"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def allows(self, route: str) -> bool:
        """Whether the key is scoped to this route name."""
        return EVERYTHING in self.scopes or route in self.scopes

    def state(self, now: datetime) -> str:
        """`live`, `revoked` or `expired`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "live"
