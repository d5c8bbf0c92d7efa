"""Sign-ins with external providers: linked identities, and pending sign-ins."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.common.encryption.fields import EncryptedCharField
from apps.common.models import BaseModel
from apps.users.models.accounts import User


class Identity(BaseModel):
    """A provider's user who can sign in to an account. Issuer and subject identify them permanently; addresses may change."""

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
    """A pending sign-in: a browser that was sent to a provider and may return once.

    `digest` is that of a secret in this browser, which a forged callback lacks.
    """

    provider = models.CharField(max_length=32)
    # The signed-in user who links an identity; empty for a sign-in.
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
