"""Sessions, and the refresh tokens that extend them."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.common.models import BaseModel
from apps.users.models.accounts import User


class SessionEnd(models.TextChoices):
    """Reasons for the end of a session."""

    LOGOUT = "logout", "Signed out"
    REVOKED = "revoked", "Ended by its owner from elsewhere"
    ADMIN = "admin", "Ended by an admin"
    REUSED = "reused", "A refresh token was used twice"
    PASSWORD = "password", "The password changed"
    ROLE = "role", "The role changed"
    SECOND_FACTOR = "second_factor", "The second factor changed"
    DEACTIVATED = "deactivated", "The account was deactivated"


class SessionQuerySet(QuerySet["Session"]):
    def live(self, now: datetime) -> SessionQuerySet:
        """Neither ended nor expired."""
        return self.filter(ended_at=None, expires_at__gt=now)


class Session(BaseModel):
    """One sign-in on one device, with its family of refresh tokens."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    user_agent = models.CharField(max_length=200, blank=True, default="")
    network = models.CharField(max_length=64, blank=True, default="")
    last_seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=16, choices=SessionEnd.choices, blank=True, default="")

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="") | (Q(ended_at__isnull=False) & ~Q(end_reason="")),
                name="users_session_end_has_reason",
            ),
        )
        indexes = (
            models.Index(fields=("user",), condition=Q(ended_at=None), name="users_session_open"),
            models.Index(fields=("expires_at",), name="users_session_expiry"),
        )

    def __str__(self) -> str:
        return f"session {self.pk}"


class RefreshTokenQuerySet(QuerySet["RefreshToken"]):
    def expired(self, now: datetime) -> RefreshTokenQuerySet:
        """Those that no longer matter, even for detecting reuse."""
        return self.filter(expires_at__lte=now)


class RefreshToken(models.Model):
    """One token of a session's chain: used once, and kept until it expires, so that reuse is detected."""

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="refresh_tokens")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = RefreshTokenQuerySet.as_manager()

    class Meta:
        constraints = (
            # A session never has two valid tokens, in any order of two rotations.
            models.UniqueConstraint(
                fields=("session",), condition=Q(used_at=None), name="users_refreshtoken_one_unused"
            ),
        )
        indexes = (models.Index(fields=("expires_at",), name="users_refreshtoken_expiry"),)

    def __str__(self) -> str:
        return f"refresh token {self.pk}"
