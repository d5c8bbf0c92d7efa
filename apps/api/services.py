"""Creates, rotates and revokes service keys. `authentication` recognises them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from apps.api.exceptions import ServiceKeyInvalid, ServiceKeyNotFound
from apps.api.models import ServiceKey
from apps.api.types import AuditAction
from apps.common import audit, text

_PREFIX_BYTES = 6
_SECRET_BYTES = 32
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A new key. `plain` is shown once and not stored."""

    key: ServiceKey
    plain: str


def digest_of(secret: str) -> bytes:
    """SHA-256, which is enough for a secret of 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def create_key(
    *, name: str, scopes: Sequence[str], expires_at: datetime | None = None, actor_id: UUID | None = None
) -> NewKey:
    """Create a key `<prefix>.<secret>`; a service may have several. `actor_id` is the admin who asks, if any.

    Raises ServiceKeyInvalid for an empty name or no scopes.
    """
    with transaction.atomic():
        made = _made(name=name, scopes=scopes, expires_at=expires_at)
        _record(AuditAction.KEY_CREATED, made.key, actor_id, scopes=made.key.scopes)
    return made


def _made(*, name: str, scopes: Sequence[str], expires_at: datetime | None) -> NewKey:
    try:
        name = text.clean_line(name)
    except text.InvalidLine:
        raise ServiceKeyInvalid from None
    if len(name) > 64 or not scopes:
        raise ServiceKeyInvalid
    prefix = secrets.token_hex(_PREFIX_BYTES)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    key = ServiceKey.objects.create(
        name=name, prefix=prefix, digest=digest_of(secret), scopes=list(scopes), expires_at=expires_at
    )
    return NewKey(key=key, plain=f"{prefix}.{secret}")


def rotate_key(
    *, prefix: str, overlap: timedelta, now: datetime | None = None, actor_id: UUID | None = None
) -> NewKey:
    """Create a key of the same name and scopes; the old one ends after `overlap`. Raises ServiceKeyNotFound."""
    now = now or timezone.now()
    with transaction.atomic():
        old = _live_key_for_update(prefix=prefix, now=now)
        made = _made(name=old.name, scopes=old.scopes, expires_at=None)
        ends = now + overlap
        if old.expires_at is None or old.expires_at > ends:
            old.expires_at = ends
            old.save(update_fields=["expires_at", "updated_at"])
        _record(AuditAction.KEY_ROTATED, made.key, actor_id, instead_of=old.prefix)
    return made


def revoke_key(*, prefix: str, now: datetime | None = None, actor_id: UUID | None = None) -> ServiceKey:
    """Revoke a key at once. Raises ServiceKeyNotFound when no active key has the prefix."""
    now = now or timezone.now()
    with transaction.atomic():
        key = _live_key_for_update(prefix=prefix, now=now)
        key.revoked_at = now
        key.save(update_fields=["revoked_at", "updated_at"])
        _record(AuditAction.KEY_REVOKED, key, actor_id)
    return key


def _record(action: AuditAction, key: ServiceKey, actor_id: UUID | None, **details: object) -> None:
    # `prefix` identifies the key and is no secret.
    audit.record(
        action=action,
        actor_id=actor_id,
        target="service_key",
        target_id=key.pk,
        details={"service": key.name, "prefix": key.prefix, **details},
    )
    _log.info(action.value.partition(".")[2], service=key.name, prefix=key.prefix)


def _live_key_for_update(*, prefix: str, now: datetime) -> ServiceKey:
    key: ServiceKey | None = ServiceKey.objects.live(now).select_for_update().filter(prefix=prefix).first()
    if key is None:
        raise ServiceKeyNotFound
    return key
