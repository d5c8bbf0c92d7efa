"""Example values of this slice's fields in the documentation, by field name (see apps.api.openapi.examples)."""

from __future__ import annotations

from typing import Any, Final

FIELDS: Final[dict[str, Any]] = {
    "action": "users.role_changed",
    "target": "user",
    "target_id": "01a211b7-7572-77ad-9044-ed1873e2ee23",
    "network": "203.0.113.0/24",
    "request_id": "5f2b6c1e9a7d4c3f8e0b1a2d3c4e5f60",
    "details": {"from": "user", "to": "admin"},
}
