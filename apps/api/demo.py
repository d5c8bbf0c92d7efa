"""Demo data: one service key that opens the internal zone. Development only, the same at each start."""

from __future__ import annotations

from typing import Any

from django.utils.crypto import salted_hmac

from apps.api import services
from apps.api.models import EVERYTHING, ServiceKey

PREFIX = "demo"


def seed(summary: dict[str, Any]) -> None:
    """Create the demo key. Its secret is derived from SECRET_KEY, so it can be shown again and cannot be guessed."""
    secret = salted_hmac("apps.api.demo", PREFIX, algorithm="sha256").hexdigest()
    ServiceKey.objects.update_or_create(
        prefix=PREFIX,
        defaults={
            "name": "demo",
            "digest": services.digest_of(secret),
            "scopes": [EVERYTHING],
            "expires_at": None,
            "revoked_at": None,
        },
    )
    summary["service_key"] = f"{PREFIX}.{secret}"
    summary["urls"] += [["API", "/api/"], ["Swagger UI", "/api/public/schema/"]]
