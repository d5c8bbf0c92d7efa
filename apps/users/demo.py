"""Demo accounts for development: an admin and two users with one public password."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.hashers import check_password, identify_hasher
from django.utils import timezone

from apps.users.models import Role, User

PASSWORD: Final = "demo-password-2026"  # noqa: S105  (public, and made on development machines only)
PEOPLE: Final = (
    ("ada@example.com", "Ada Lovelace", Role.ADMIN),
    ("grace@example.com", "Grace Hopper", Role.USER),
    ("linus@example.com", "Linus Torvalds", Role.USER),
)


def seed(summary: dict[str, Any]) -> None:
    """Create missing accounts, and keep existing ones unchanged."""
    for email, name, role in PEOPLE:
        user = User.objects.filter(email=email).first()
        if user is None:
            now = timezone.now()
            user = User.objects.create_user(
                email, PASSWORD, name=name, role=role, email_verified_at=now, welcomed_at=now
            )
        if user.is_active and _has_demo_password(user):
            summary["logins"].append({"email": user.email, "password": PASSWORD, "role": user.role})
    summary["urls"].append(["Admin", "/admin/"])


def _has_demo_password(user: User) -> bool:
    """Whether the login still works; changed passwords are not printed."""
    return bool(identify_hasher(user.password)) and check_password(PASSWORD, user.password)
