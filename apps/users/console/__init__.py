"""The console's pages of accounts: sign-in, registration, links of mails, and the user's own account."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

MODULE: Final = "users/console/index.js"
STYLESHEETS: Final = ("users/console/users.css",)


def data() -> dict[str, Any]:
    """Returns the grace period of an erasure, and the demo accounts, which development servers offer on the sign-in card."""
    found: dict[str, Any] = {"erasure_grace_days": settings.ERASURE_GRACE.days}
    logins: tuple[tuple[str, str], ...] = tuple(getattr(settings, "DEMO_LOGINS", ()))
    if logins:
        found["demo_accounts"] = [{"email": email, "role": role} for email, role in logins]
        found["demo_password"] = getattr(settings, "DEMO_PASSWORD", "")
    return found
