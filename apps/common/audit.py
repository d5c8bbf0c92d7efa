"""The audit log: security-relevant actions, written in the transaction of the action.

A slice declares its actions as `AuditAction(StrEnum)` in its `types.py`, named `<slice>.<what_happened>`, and its
services call `record`. Rows hold ids and codes and cannot be changed; a periodic task deletes those older than
AUDIT_RETENTION. The slice `audit` reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.common.models import AuditEvent
from apps.common.slices import declared
from infrastructure.telemetry import context, redaction

MAX_DETAILS: Final = 2_000
_ACTION: Final = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
# Rows deleted by one statement, to stay below the statement timeout.
_BATCH: Final = 5_000


def record(
    *,
    action: StrEnum,
    actor_id: UUID | None,
    target: str = "",
    target_id: UUID | str | None = None,
    details: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> AuditEvent:
    """Write one row in the current transaction, with the network and the id of the current request.

    Args:
        action: A member of the slice's `types.AuditAction`.
        actor_id: The acting user; None for an anonymous caller, a service or the system.
        target: The kind of object, in the singular: `user`, `room`, `role`.
        details: A small JSON-safe mapping of ids and codes. Secrets and e-mail addresses are redacted.

    Raises:
        ValueError: the action is not named `<slice>.<what_happened>`, or the details are over MAX_DETAILS characters.
        TypeError: the details are not JSON-safe.
    """
    if not _ACTION.fullmatch(action):
        raise ValueError(f"An audited action is named <slice>.<what_happened>, not {action!r}.")
    shown = redaction.redact(dict(details or {}))
    if len(json.dumps(shown)) > MAX_DETAILS:
        raise ValueError(f"The details of {action} have over {MAX_DETAILS} characters.")
    return AuditEvent.objects.create(
        at=now or timezone.now(),
        action=str(action),
        actor_id=actor_id,
        target=target,
        target_id="" if target_id is None else str(target_id),
        network=context.network(),
        request_id=context.request_id(),
        details=shown,
    )


def known_actions() -> list[str]:
    return sorted(str(action) for actions in declared("AuditAction") for action in actions)


def prune(*, now: datetime | None = None) -> int:
    """Delete rows older than AUDIT_RETENTION in batches. Returns the number of rows."""
    limit = (now or timezone.now()) - settings.AUDIT_RETENTION
    total = 0
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                # The trigger allows DELETE only in a transaction with this setting.
                cursor.execute("SELECT set_config('append_only.retention', 'on', true)")
            oldest = AuditEvent.objects.filter(at__lt=limit).order_by("at", "id")[:_BATCH]
            count = AuditEvent.objects.filter(pk__in=list(oldest.values_list("pk", flat=True))).delete()[0]
        total += count
        if count < _BATCH:
            return total
