"""Exports a user's personal data of this slice. Secrets (hashes, tokens, codes) are never exported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apps.common.models import AuditEvent
from apps.users.models import EmailChange, Identity, Session, User
from infrastructure import storage


def export(user_id: UUID) -> Mapping[str, Any]:
    """The account, its sign-in methods and sessions, and its security events."""
    user = User.objects.defer("password").get(pk=user_id)
    return {
        "account": {
            "id": user.pk,
            "email": user.email,
            "email_verified_at": user.email_verified_at,
            "name": user.name,
            "phone": user.phone,
            "role": user.role,
            "avatar": storage.url(user.avatar) if user.avatar else None,
            "second_factor_since": user.second_factor_at,
            "created_at": user.created_at,
            "updated_at": user.updated_at,
        },
        "change_of_address": EmailChange.objects.filter(user=user)
        .values("email", "created_at", "expires_at")
        .first(),
        "identities": Identity.objects.filter(user=user)
        .order_by("id")
        .values("provider", "issuer", "subject", "created_at", "last_used_at")
        .iterator(),
        "sessions": Session.objects.filter(user=user)
        .order_by("id")
        .values("id", "user_agent", "network", "created_at", "last_seen_at", "ended_at", "end_reason")
        .iterator(),
        "security_events": AuditEvent.objects.filter(target="user", target_id=str(user.pk))
        .order_by("at", "id")
        .values("at", "action", "network", "details")
        .iterator(),
    }
