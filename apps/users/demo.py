"""Demo accounts for development: an admin and two users with one public password."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone

from apps.users import hashers
from apps.users.models import Role, User

PASSWORD: Final = "demo-password-2026"  # noqa: S105  (public, and made on development machines only)
ACCOUNTS: Final = (
    ("ada@example.com", "Ada Lovelace", Role.ADMIN),
    ("grace@example.com", "Grace Hopper", Role.USER),
    ("linus@example.com", "Linus Torvalds", Role.USER),
)


def seed(summary: dict[str, Any]) -> None:
    """Create missing accounts, and keep existing ones unchanged."""
    for email, name, role in ACCOUNTS:
        user = User.objects.filter(email=email).first()
        if user is None:
            now = timezone.now()
            user = User.objects.create_user(
                email, PASSWORD, name=name, role=role, email_verified_at=now, welcomed_at=now
            )
        # Changed passwords are not printed.
        if user.is_active and hashers.verify(PASSWORD, user.password):
            summary["logins"].append({"email": user.email, "password": PASSWORD, "role": user.role})
    summary["urls"].append(["Admin", "/admin/"])
