"""One-time secrets: links in mails, and sign-ins that wait for a second factor."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q, QuerySet

from apps.common.models import BaseModel
from apps.users.models.accounts import User


class Purpose(models.TextChoices):
    VERIFY_EMAIL = "verify_email", "Verify the address"
    RESET_PASSWORD = "reset_password", "Set a new password"
    EMAIL_OLD = "email_old", "Leave the address"
    EMAIL_NEW = "email_new", "Move to the address"
    SECOND_FACTOR = "second_factor", "Go on signing in with a second factor"


class OneTimeTokenQuerySet(QuerySet["OneTimeToken"]):
    def usable(self, now: datetime) -> OneTimeTokenQuerySet:
        """Neither used nor expired."""
        return self.filter(used_at=None, expires_at__gt=now)


class OneTimeToken(BaseModel):
    """The digest of the secret in a mail's link, or of a pending sign-in. `id` is the request's, which makes sending idempotent."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="one_time_tokens")
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = OneTimeTokenQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="users_onetimetoken_lifetime"
            ),
        )
        indexes = (models.Index(fields=("expires_at",), name="users_onetimetoken_expiry"),)

    def __str__(self) -> str:
        return f"{self.purpose} token {self.pk}"
