"""Example values of this slice's fields in the API documentation, by name (see apps.api.openapi.examples)."""

from __future__ import annotations

from typing import Any, Final

FIELDS: Final[dict[str, Any]] = {
    "seq": 7,
    "kind": "chat.mention",
    "title": "Ada Lovelace mentioned you",
    "body": "Two processes, one room.",
    "link": "/#/rooms/engineering",
    "data": {"room": "engineering", "seq": 42},
    "unread": 3,
    "up_to": 7,
    "muted_kinds": ["chat.mention"],
    "key": "build-1871",
    "token": "dG9rZW4tb2YtYS1kaWdlc3Q",
    "PushInput.name": "build.finished",
    "kinds": [{"code": "chat.mention", "title": "A member mentions you"}],
}
