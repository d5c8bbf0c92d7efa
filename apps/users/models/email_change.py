"""A pending change of address."""

from __future__ import annotations

from django.db import models

from apps.common.database.ids import uuid7
from apps.common.models import BaseModel
from apps.users.email_addresses import CanonicalEmailField
from apps.users.models.accounts import User


class EmailChange(BaseModel):
    """At most one for each account: a new request replaces the earlier one and its links."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    email = CanonicalEmailField()
    # Ids of the mails to both addresses, which those of their tokens are: a mail that comes late finds another id here.
    old_request_id = models.UUIDField(default=uuid7)
    new_request_id = models.UUIDField(default=uuid7)
    old_confirmed_at = models.DateTimeField(null=True, blank=True)
    new_confirmed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"change of address {self.pk}"
