"""What this slice declares for others to find."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """What a role may grant of this slice."""

    READ = "audit.read"
    """See the whole audit log."""
