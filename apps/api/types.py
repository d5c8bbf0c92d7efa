"""The audited actions of the router."""

from __future__ import annotations

from enum import StrEnum


class AuditAction(StrEnum):
    """Actions on service keys."""

    KEY_CREATED = "api.service_key_created"
    KEY_ROTATED = "api.service_key_rotated"
    KEY_REVOKED = "api.service_key_revoked"
