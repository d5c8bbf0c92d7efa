"""The permissions of this slice."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """Permissions that a role may grant."""

    READ = "audit.read"
    """See the whole audit log."""
