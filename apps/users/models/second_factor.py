"""The second factor of an account: the secret of an authenticator app, and recovery codes."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.common.encryption.fields import EncryptedCharField
from apps.common.models import BaseModel
from apps.users.models.accounts import User


class SecondFactor(BaseModel):
    """An authenticator app. It protects nothing until it is confirmed."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret = EncryptedCharField(max_length=64)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    # The newest step whose code was taken: a code works once (RFC 6238, section 5.2).
    last_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"second factor {self.pk}"


class RecoveryCode(models.Model):
    """The digest of a recovery code: 120 random bits need no slow hash. Deleted when it is used."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"recovery code {self.pk}"
