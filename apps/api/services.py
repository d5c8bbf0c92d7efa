"""Making, changing and ending service keys. Who holds one is decided by `authentication`."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from apps.api.exceptions import ServiceKeyInvalid, ServiceKeyNotFound
from apps.api.models import ServiceKey

_PREFIX_BYTES = 6
_SECRET_BYTES = 32
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key just made. `plain` is shown once and stored nowhere."""

    key: ServiceKey
    plain: str


def digest_of(secret: str) -> bytes:
    """SHA-256: enough for a secret of 256 random bits, which cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()


def create_key(*, name: str, scopes: Sequence[str], expires_at: datetime | None = None) -> NewKey:
    """A new key `<prefix>.<secret>`. Raises ServiceKeyInvalid for an empty name or no scopes."""
    name = name.strip()
    if not name or len(name) > 64 or not scopes:
        raise ServiceKeyInvalid
    prefix = secrets.token_hex(_PREFIX_BYTES)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    key = ServiceKey.objects.create(
        name=name, prefix=prefix, digest=digest_of(secret), scopes=list(scopes), expires_at=expires_at
    )
    _log.info("service_key_created", service=name, prefix=prefix)
    return NewKey(key=key, plain=f"{prefix}.{secret}")


def rotate_key(*, prefix: str, overlap: timedelta, now: datetime | None = None) -> NewKey:
    """A new key of the same name and scopes; the old one goes on for `overlap`. Raises ServiceKeyNotFound."""
    now = now or timezone.now()
    with transaction.atomic():
        old = _live_key_for_update(prefix=prefix, now=now)
        made = create_key(name=old.name, scopes=old.scopes)
        ends = now + overlap
        if old.expires_at is None or old.expires_at > ends:
            old.expires_at = ends
            old.save(update_fields=["expires_at", "updated_at"])
    return made


def revoke_key(*, prefix: str, now: datetime | None = None) -> ServiceKey:
    """End a key at once. Raises ServiceKeyNotFound when no live key has the prefix."""
    now = now or timezone.now()
    with transaction.atomic():
        key = _live_key_for_update(prefix=prefix, now=now)
        key.revoked_at = now
        key.save(update_fields=["revoked_at", "updated_at"])
    _log.info("service_key_revoked", service=key.name, prefix=prefix)
    return key


def _live_key_for_update(*, prefix: str, now: datetime) -> ServiceKey:
    key: ServiceKey | None = ServiceKey.objects.live(now).select_for_update().filter(prefix=prefix).first()
    if key is None:
        raise ServiceKeyNotFound
    return key
