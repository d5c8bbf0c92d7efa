"""Example values of this slice's fields in the API documentation, by name (see apps.api.openapi.examples)."""

from __future__ import annotations

from typing import Any, Final

FIELDS: Final[dict[str, Any]] = {
    "slug": "engineering",
    "name": "Engineering",
    "room": "engineering",
    "room_name": "Engineering",
    "message": "Two processes, one room.",
    "from_name": "Ada Lovelace",
    "invited_by_name": "Ada Lovelace",
    "seq": 42,
    "read_seq": 41,
    "edited_at": None,
    "muted_until": None,
    "MemberOutput.name": "Ada Lovelace",
    "BanOutput.name": "Mallory",
    "AttachmentOutput.name": "plan.png",
    "AttachmentOutput.type": "image/png",
    "AttachmentOutput.size": 48_213,
    "width": 640,
    "height": 480,
    "MessageInput.reply_to": None,
    "MessageInput.attachments": [],
    "text": "Two processes",
    "match": True,
    "PersonOutput.name": "Ada Lovelace",
    "EventInput.name": "build.finished",
    "data": {"build": 1871},
    "InvitationOutput.email": "grace@example.com",
    "InvitationOutput.user": None,
    # Exactly one of the fields is given.
    "InvitationInput": {"email": "grace@example.com"},
    "MuteInput": {"seconds": 600},
}
