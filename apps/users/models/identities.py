"""Sign-ins with outside providers: whose they are, and those that are under way."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.common.encryption.fields import EncryptedCharField
from apps.common.models import BaseModel
from apps.users.models.accounts import User


class Identity(BaseModel):
    """Somebody at a provider, who opens an account here. Issuer and subject name them for good; addresses may change."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    provider = models.CharField(max_length=32)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    last_used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (models.UniqueConstraint(fields=("issuer", "subject"), name="users_identity_once"),)

    def __str__(self) -> str:
        return f"identity {self.pk}"


class ProviderSignIn(BaseModel):
    """A browser that was sent to a provider and is expected back, once.

    `digest` is that of the secret which only this browser has: a callback that somebody else sends it has none.
    """

    provider = models.CharField(max_length=32)
    # Who is signed in already and wants to link; empty for signing in.
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    state = models.BinaryField(max_length=32, editable=False)
    nonce = models.CharField(max_length=64)
    verifier = EncryptedCharField(max_length=128)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=("expires_at",), name="users_providersignin_expiry"),)

    def __str__(self) -> str:
        return f"sign-in {self.pk} with {self.provider}"
