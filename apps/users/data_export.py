"""Exports a user's personal data of this slice. Secrets (hashes, tokens, codes) are never exported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from apps.common.models import AuditEvent
from apps.users.models import EmailChange, Identity, Session, User
from infrastructure import storage

NOT_PERSONAL: Final = {
    "state of the account": (
        "User.is_active",
        "User.erase_at",
        "User.erase_content",
        "User.erased_at",
        "User.signed_out_at",
        "User.welcomed_at",
    ),
    "keyed digest of the phone number, which the database removes with it": ("User.phone_index",),
    "log of the admin site: which account changed which row": (
        "admin.LogEntry.user",
        "admin.LogEntry.action_time",
        "admin.LogEntry.content_type",
        "admin.LogEntry.object_id",
        "admin.LogEntry.object_repr",
        "admin.LogEntry.action_flag",
        "admin.LogEntry.change_message",
    ),
}
NOT_EXPORTED: Final = {
    "secret": (
        "User.password",
        "OneTimeToken.digest",
        "ProviderSignIn.digest",
        "ProviderSignIn.state",
        "ProviderSignIn.nonce",
        "ProviderSignIn.verifier",
        "RecoveryCode.digest",
        "RefreshToken.digest",
        "SecondFactor.secret",
    ),
    "state of a secret": (
        "OneTimeToken.purpose",
        "OneTimeToken.created_at",
        "OneTimeToken.updated_at",
        "OneTimeToken.expires_at",
        "OneTimeToken.used_at",
        "ProviderSignIn.provider",
        "ProviderSignIn.created_at",
        "ProviderSignIn.updated_at",
        "ProviderSignIn.expires_at",
        "ProviderSignIn.used_at",
        "RecoveryCode.created_at",
        "RefreshToken.session",
        "RefreshToken.created_at",
        "RefreshToken.expires_at",
        "RefreshToken.used_at",
        "SecondFactor.created_at",
        "SecondFactor.updated_at",
        "SecondFactor.confirmed_at",
        "SecondFactor.last_step",
    ),
    "no more than the exported times say": (
        "EmailChange.updated_at",
        "Identity.updated_at",
        "Session.updated_at",
        "Session.expires_at",
    ),
}
NOT_ERASED: Final = {
    "the row stays without personal data, for content that refers to it": ("User.created_at",)
}


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
        .values("email", "created_at", "expires_at", "old_confirmed_at", "new_confirmed_at")
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
