"""Base of every model, and the tables that the shared bricks need."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.common.ids import uuid7


class BaseModel(models.Model):
    """UUIDv7 primary key and the times of creation and last change, in UTC."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
