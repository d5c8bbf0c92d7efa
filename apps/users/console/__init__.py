"""The console's pages of accounts: sign-in, registration, links of mails, and the user's own account."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

MODULE: Final = "users/console/index.js"
STYLESHEETS: Final = ("users/console/users.css",)


def data() -> dict[str, Any]:
    """Returns the demo accounts, which development servers offer on the sign-in card."""
    logins: tuple[tuple[str, str], ...] = tuple(getattr(settings, "DEMO_LOGINS", ()))
    if not logins:
        return {}
    return {
        "demo_accounts": [{"email": email, "role": role} for email, role in logins],
        "demo_password": getattr(settings, "DEMO_PASSWORD", ""),
    }
