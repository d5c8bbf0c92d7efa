"""Handing people what is kept about them."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction

from apps.common import audit, data_export
from apps.common.callers import Caller
from apps.users import limits
from apps.users.types import AuditAction, Device


def export_data(*, actor: Caller, device: Device) -> Iterator[bytes]:
    """What every slice keeps about the actor, as one JSON object in pieces. Raises TooManyAttempts."""
    limits.count_attempt("export", address=device.address, account=actor.user.email)
    with transaction.atomic():
        audit.record(
            action=AuditAction.EXPORTED,
            actor_id=actor.user.pk,
            target="user",
            target_id=actor.user.pk,
        )
    return data_export.stream(actor.user.pk)
